-- Acknowledges the runs that ended well and claims messages for one worker.
-- ARGV: 1 worker, 2 field of the hand that notes the claim, 3 number of the claim, 4 how many to claim at most,
--       5 handle timeout (s, whole), 6 byte budget of the claim, 7 count of ids to acknowledge, 8 count of rows,
--       9 count of ids to forget, 10 how many bytes a message may have (0 = any number);
--       then the ids, ascending; then the rows without a gap that they form (first, last, ...);
--       then those ids whose redelivery counts are to be forgotten.
-- A worker may have two exchanges on the way at once, each with a note of its own.
-- Returns {0} when the worker is not registered; else {1, id of the first run claimed ('' = none), ids that were not in
--   hand, ids that were late, payloads of the claim (nil = set beside an equal one), their redelivery counts,
--   bytes of each message that was too large and went to `failed`}.
local worker = ARGV[1]

if call('HEXISTS', WORKERS, worker) == 0 then
  empty_inbox(INBOX)
  return {0}
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
    local id = ARGV[given + acks + 2 * rows + i]
    local payload = call('HGET', HAND, id)
    if payload and not is_late(worker, id, payload) then call('HDEL', REDELIVERED, redis.sha1hex(payload)) end
  end
end

-- Which of the ids are not in hand.
local function find_lost(ids)
  local lost = {}
  for _, id in ipairs(ids) do
    if call('HEXISTS', HAND, id) == 0 then lost[#lost + 1] = id end
  end
  return lost
end

local function acknowledge()
  if acks == 0 then return {}, {} end
  local ids, ended = {unpack(ARGV, given + 1, given + acks)}, {}
  forget_redeliveries()
  local late = find_late(ids)
  if call('EXISTS', EQUAL) == 1 then ended = call('HMGET', HAND, unpack(ids)) end
  local lost = unmirror() and {} or find_lost(ids)
  let_go_of_all()
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
  local number, first, count = string.match(call('HGET', HAND, note) or '', '^(%d+) ([%d.]+) (%d+)$')
  if number ~= claim then return nil end
  local ids, second, token = {}, string.sub(first, 1, -7), tonumber(string.sub(first, -6))
  for i = 1, tonumber(count) do ids[i] = second .. string.format('%06d', token + i - 1) end
  return first, call('HMGET', HAND, unpack(ids))
end

local lost, late = acknowledge()
local first, payloads = claimed_before()
if not first then first, payloads = claim_by(take_into) end
if not first then return payloads end
return {1, first, lost, late, payloads, redeliveries(payloads), oversized}
