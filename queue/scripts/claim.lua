-- Stands before both ways of the exchange, the usual one and the general one: how what was taken is
-- written down. KEYS and ARGV are those of exchange.lua.
local call = redis.call
local WAITING, RESERVED, EQUAL, REDELIVERED, TOKENS, HAND = KEYS[1], KEYS[3], KEYS[9], KEYS[10], KEYS[14], KEYS[#KEYS - 1]
local note, claim, want, handle, budget = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local acks, rows, forgets, given = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), 10
local largest, oversized = tonumber(ARGV[10]), {} -- bytes that a message may have; those of the messages that had more
if largest == 0 then largest = math.huge end

-- What is larger than a message may be goes to `failed`. Its bytes count, so that no call moves many.
-- The reason comes first: if that is refused, the message goes back, and must not stand in `failed` too.
local function refuse_oversized(payloads)
  local i = 1
  while i <= #payloads do
    local payload = payloads[i]
    if #payload > largest then
      explain(payload, 'oversized: it has ' .. #payload .. ' bytes, and ' .. largest .. ' are allowed (maxMessageBytes)', ARGV[1])
      call('LPUSH', KEYS[5], payload)
      table.remove(payloads, i)
      oversized[#oversized + 1] = #payload
    else
      i = i + 1
    end
  end
end

-- Takes messages from the tail of a list, a few first, then as many as fit by the size of those, so that
-- large ones do not come by the hundred. What is beyond the budget goes back, but for the first one.
local function take(key, into, bytes)
  local largest = largest
  while #into < want and bytes < budget do
    local before = #into
    local count = math.min(want - before, 8)
    if before > 0 then
      count = math.min(want - before, 8 * before, math.max(1, math.floor((budget - bytes) * before / (bytes + 1))))
    end
    local got = call('RPOP', key, count)
    if not got then break end
    local kept, large, arrived = math.max(before, 1), false, #got
    for i = 1, arrived do
      local payload = got[i]
      local size = #payload
      into[before + i], bytes = payload, bytes + size
      if size > largest then large = true end
    end
    local full = bytes > budget
    for i = before + arrived, kept + 1, -1 do
      if bytes <= budget or not pcall(call, 'RPUSH', key, into[i]) then break end -- what may not go back is claimed
      bytes = bytes - #into[i]
      into[i] = nil
    end
    if large then refuse_oversized(into) end
    if full then return budget end
    if arrived < count then break end
  end
  return bytes
end

-- Tokens are dealt in tens: five digits from the channel's counter, never 00000, and one of the ten.
local function deal_tens(count)
  return (call('INCRBY', TOKENS, count) - count) % 90000 + 1
end

local UNITS = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9'}

-- The runs of these payloads as a row of id, payload, id, payload, ..., which is what the hand takes (fields
-- and values) and `reserved` too (scores and members). This loop and that of take() are what a claim costs.
local function runs_of(payloads)
  local count = #payloads
  local second = string.format('%d.', tonumber(call('TIME')[1]) + handle + 1)
  local ten, row, n = deal_tens(math.ceil(count / 10)), {}, 0
  for from = 1, count, 10 do
    local text = second .. string.format('%05d', ten)
    for i = from, math.min(from + 9, count) do
      row[n + 1] = text .. UNITS[i - from + 1]
      row[n + 2] = payloads[i] -- a statement of its own: the later of two values is set first
      n = n + 2
    end
    ten = ten + 1
  end
  return row
end

local in_hand = false

-- What was claimed is written into the hand first, which is the record that counts; a payload that
-- stands in `reserved` already is set beside.
local function reserve(payloads)
  local row = runs_of(payloads)
  local first = row[1]
  call('HSET', HAND, note, claim .. ' ' .. first .. ' ' .. #payloads, unpack(row))
  in_hand = true
  if call('ZADD', RESERVED, 'NX', unpack(row)) < #payloads then
    local stand = call('ZMSCORE', RESERVED, unpack(payloads))
    call('HDEL', HAND, '') -- if this user may not remove, all stay in hand, and none stands beside as well
    for i, payload in ipairs(payloads) do
      if tonumber(stand[i]) ~= tonumber(row[2 * i - 1]) then
        call('HINCRBY', EQUAL, payload, 1)
        call('HDEL', HAND, row[2 * i - 1])
        payloads[i] = false
      end
    end
  end
  return first
end

-- Claiming removes first, since Redis over maxmemory lets nothing else pass. What cannot be written
-- down (a command that this user may not use) goes back. `take` fills the list of payloads.
local function claim_by(take)
  local payloads, first = {}, ''
  if want == 0 then return first, payloads end
  local ok, failure = pcall(function()
    take(payloads)
    if #payloads > 0 then first = reserve(payloads) end
  end)
  if ok then return first, payloads end
  for i = in_hand and 0 or #payloads, 1, -1 do call('RPUSH', WAITING, payloads[i]) end
  return nil, redis.error_reply(type(failure) == 'table' and failure.err or tostring(failure))
end

local function redeliveries(payloads)
  if #payloads == 0 or call('EXISTS', REDELIVERED) == 0 then return {} end
  local digests = {}
  for i, payload in ipairs(payloads) do digests[i] = redis.sha1hex(payload or '') end
  return call('HMGET', REDELIVERED, unpack(digests))
end

local unmirrored = 0

-- Takes the acknowledged runs out of `reserved`. A score belongs to one run, so that removing by score cannot
-- hit a later run of the same payload. True: all stood there, so that all are in hand; of a run that was
-- given back the entry went too.
local function unmirror()
  for i = given + acks + 1, given + acks + 2 * rows, 2 do
    unmirrored = unmirrored + call('ZREMRANGEBYSCORE', RESERVED, ARGV[i], ARGV[i + 1])
  end
  return unmirrored == acks
end

-- The hand is the record that counts and goes last.
local function let_go_of_all()
  if acks > 0 then call('HDEL', HAND, unpack(ARGV, given + 1, given + acks)) end
end
