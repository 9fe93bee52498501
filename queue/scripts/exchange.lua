-- Acknowledges the runs that ended well and claims messages for one worker.
-- ARGV: 1 worker, 2 number of the claim, 3 how many to claim at most, 4 handle timeout (s, whole), 5 byte budget of the claim,
--       6 how many runs the worker believes to hold, 7 count of ids to acknowledge, 8 count of ranges, 9 count of ids to forget,
--       10 how many bytes a message may have (0 = any number);
--       then the ids, ascending; then the ranges that they form (first, last, ...);
--       then those ids whose redelivery counts are to be forgotten.
-- Returns {0} when the worker is not registered; else {1, id of the first run claimed ('' = none), ids that were not in
--   hand, ids that were late, payloads of the claim (nil = set beside an equal one), their redelivery counts,
--   bytes of each message that was too large and went to `failed`}.
local worker = ARGV[1]
local held, acks, ranges, forgets = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])

if call('HEXISTS', WORKERS, worker) == 0 then
  empty_inbox(INBOX)
  return {0}
end
local last = call('HGET', HAND, 'claim')

-- Which of the ids are not in hand. The hand is looked through only if it holds less than it should.
local function find_lost(ids)
  local lost = {}
  if call('HLEN', HAND) - (last and 1 or 0) >= held then return lost end
  for _, id in ipairs(ids) do
    if call('HEXISTS', HAND, id) == 0 then lost[#lost + 1] = id end
  end
  return lost
end

local function find_late(ids)
  local late, marks = {}, {}
  if call('EXISTS', LATE) == 0 then return late end
  for i, id in ipairs(ids) do marks[i] = worker .. '/' .. id end
  for i, payload in ipairs(call('HMGET', LATE, unpack(marks))) do
    if payload and payload ~= HELD then late[#late + 1] = ids[i] end
  end
  call('HDEL', LATE, unpack(marks))
  return late
end

-- A late run's message stays in `timeout` and may be redelivered again: its count goes on.
local function forget_redeliveries()
  for i = 1, forgets do
    local id = ARGV[10 + acks + 2 * ranges + i]
    local payload = call('HGET', HAND, id)
    if payload and not is_late(worker, id, payload) then call('HDEL', REDELIVERED, redis.sha1hex(payload)) end
  end
end

-- A score belongs to one run, so that removing by score cannot hit a later run of the same payload.
local function acknowledge()
  if acks == 0 then return {}, {} end
  local ids, ended = {unpack(ARGV, 11, 10 + acks)}, {}
  forget_redeliveries()
  local lost, late = find_lost(ids), find_late(ids)
  if call('EXISTS', EQUAL) == 1 then ended = call('HMGET', HAND, unpack(ids)) end
  call('HDEL', HAND, unpack(ids))
  for i = 11 + acks, 9 + acks + 2 * ranges, 2 do
    call('ZREMRANGEBYSCORE', RESERVED, score_of(ARGV[i]), score_of(ARGV[i + 1]))
  end
  for _, payload in ipairs(ended) do
    if payload then release_equal(payload) end
  end
  return lost, late
end

local function take_into(payloads)
  local bytes = take(WAITING, payloads, take(INBOX, payloads, 0))
  if #payloads < want and bytes < budget and move_due(clock(), 100) > 0 then take(WAITING, payloads, bytes) end
end

-- The claim of this number, if it was made before and its answer got lost.
local function claimed_before()
  local number, first, count = string.match(last or '', '^(%d+) (%d+) (%d+)$')
  if number ~= claim then return nil end
  local ids = {}
  for i = 1, tonumber(count) do ids[i] = string.format('%.0f', tonumber(first) + i - 1) end
  return first, call('HMGET', HAND, unpack(ids))
end

local lost, late = acknowledge()
local first, payloads = claimed_before()
if not first then first, payloads = claim_by(take_into) end
if not first then return payloads end
return {1, first, lost, late, payloads, redeliveries(payloads), oversized}
