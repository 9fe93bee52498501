-- Acknowledges the runs that ended well and claims messages for one worker.
-- ARGV: 1 worker, 2 token of the first run to claim, 3 how many at most, 4 handle timeout (s, whole),
--       5 byte budget of the claim, 6 count of the ids to acknowledge, then these ids, then the ids among them whose
--       redelivery count is to be forgotten.
-- Returns {0} when the worker is not registered; else {1, id of the first run claimed,
--   ids that were not in hand, ids that were late, payloads (nil = set beside), redelivery counts}.
local worker, token, want, handle, budget = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local acks = tonumber(ARGV[6])

if call('HEXISTS', WORKERS, worker) == 0 then
  empty_inbox(INBOX)
  return {0}
end

local lost, late = {}, {}

local function acknowledge(ids)
  local payloads = call('HMGET', HAND, unpack(ids))
  local held, held_payloads = {}, {}
  for i, id in ipairs(ids) do
    if payloads[i] then
      held[#held + 1], held_payloads[#held_payloads + 1] = id, payloads[i]
    else
      lost[#lost + 1] = id
    end
  end
  if #held == 0 then return end
  local scores = call('ZMSCORE', RESERVED, unpack(held_payloads))
  local mirrored, ended = {}, {}
  for i, id in ipairs(held) do
    if not scores[i] then
      ended[#ended + 1] = held_payloads[i]
      if call('HDEL', LATE, worker .. '/' .. id) == 1 then late[#late + 1] = id end
    elseif tonumber(scores[i]) == score_of(id) then
      ended[#ended + 1], mirrored[#mirrored + 1] = held_payloads[i], held_payloads[i]
    elseif call('HDEL', LATE, worker .. '/' .. id) == 1 then
      late[#late + 1] = id
    end
  end
  call('HDEL', HAND, unpack(held))
  if #mirrored > 0 then call('ZREM', RESERVED, unpack(mirrored)) end
  if call('EXISTS', EQUAL) == 1 then
    for _, payload in ipairs(ended) do release_equal(payload) end
  end
end

local function forget_redeliveries(first)
  for i = first, #ARGV do
    local payload = call('HGET', HAND, ARGV[i])
    if payload then call('HDEL', REDELIVERED, redis.sha1hex(payload)) end
  end
end

-- Takes messages from the tail of a list, by and by, so that large ones do not come by the hundred.
local function take(key, into, bytes)
  while #into < want and bytes < budget do
    local count = math.min(want - #into, 8)
    if #into > 0 then
      count = math.min(want - #into, math.max(1, math.floor((budget - bytes) / (bytes / #into + 1))))
    end
    local got = call('RPOP', key, count)
    if not got then break end
    for _, payload in ipairs(got) do
      into[#into + 1] = payload
      bytes = bytes + #payload
    end
    if #got < count then break end
  end
  return bytes
end

local function reserve(payloads, first)
  local fields, entries = {'claim', token .. ' ' .. string.format('%.0f', first) .. ' ' .. #payloads}, {}
  for i, payload in ipairs(payloads) do
    local id = first + i - 1
    fields[2 * i + 1], fields[2 * i + 2] = id, payload
    entries[2 * i - 1], entries[2 * i] = id / TOKENS, payload
  end
  call('HSET', HAND, unpack(fields))
  if call('ZADD', RESERVED, 'NX', unpack(entries)) == #payloads then return end
  local scores = call('ZMSCORE', RESERVED, unpack(payloads))
  for i, payload in ipairs(payloads) do
    local id = first + i - 1
    if tonumber(scores[i]) ~= id / TOKENS then
      call('HINCRBY', EQUAL, payload, 1)
      call('HDEL', HAND, id)
      payloads[i] = false
    end
  end
end

local function redeliveries(payloads)
  if #payloads == 0 or call('EXISTS', REDELIVERED) == 0 then return {} end
  local digests = {}
  for i, payload in ipairs(payloads) do digests[i] = redis.sha1hex(payload or '') end
  return call('HMGET', REDELIVERED, unpack(digests))
end

if acks > 0 then
  forget_redeliveries(7 + acks)
  acknowledge({unpack(ARGV, 7, 6 + acks)})
end

local last = call('HGET', HAND, 'claim')
if last then
  local last_token, first, count = string.match(last, '^(%d+) (%d+) (%d+)$')
  if tonumber(last_token) == token then
    local ids = {}
    for i = 1, tonumber(count) do ids[i] = tonumber(first) + i - 1 end
    local payloads = call('HMGET', HAND, unpack(ids))
    return {1, first, lost, late, payloads, redeliveries(payloads)}
  end
end

local payloads = {}
if want > 0 then
  local bytes = take(INBOX, payloads, 0)
  bytes = take(WAITING, payloads, bytes)
  local now = clock()
  if #payloads < want and bytes < budget and move_due(now, 100) > 0 then take(WAITING, payloads, bytes) end
  if #payloads > 0 then
    local first = (math.floor(now) + handle + 1) * TOKENS + token
    reserve(payloads, first)
    return {1, string.format('%.0f', first), lost, late, payloads, redeliveries(payloads)}
  end
end
return {1, '0', lost, late, {}, {}}
