-- Stands before both ways of the exchange, the usual one and the general one: how what was taken is
-- written down. KEYS and ARGV are those of exchange.lua.
local call = redis.call
local WAITING, RESERVED, EQUAL, REDELIVERED, TOKENS, HAND = KEYS[1], KEYS[3], KEYS[9], KEYS[10], KEYS[14], KEYS[#KEYS - 1]
local claim, want, handle, budget = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
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
  while #into < want and bytes < budget do
    local before = #into
    local count = math.min(want - before, 8)
    if before > 0 then
      count = math.min(want - before, 8 * before, math.max(1, math.floor((budget - bytes) * before / (bytes + 1))))
    end
    local got = call('RPOP', key, count)
    if not got then break end
    local kept, large = math.max(before, 1), false
    for i, payload in ipairs(got) do
      into[before + i] = payload
      bytes = bytes + #payload
      large = large or #payload > largest
    end
    local full = bytes > budget
    for i = #into, kept + 1, -1 do
      if bytes <= budget or not pcall(call, 'RPUSH', key, into[i]) then break end -- what may not go back is claimed
      bytes = bytes - #into[i]
      into[i] = nil
    end
    if large then refuse_oversized(into) end
    if full then return budget end
    if #got < count then break end
  end
  return bytes
end

-- Tokens are dealt in tens: five digits from the channel's counter, never 00000, and one of the ten.
local function deal_tokens(count)
  local tens = math.ceil(count / 10)
  local first = (call('INCRBY', TOKENS, tens) - tens) % 90000 + 1
  local texts = {}
  for i = 1, tens do texts[i] = string.format('%05d', first + i - 1) end
  return texts
end

local in_hand = false

-- What was claimed is written into the hand first, which is the record that counts; a payload that
-- stands in `reserved` already is set beside.
local function reserve(payloads)
  local second = string.format('%d', tonumber(call('TIME')[1]) + handle + 1)
  local tens, units = deal_tokens(#payloads), {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9'}
  local first = second .. tens[1] .. '0'
  local fields, entries = {'claim', claim .. ' ' .. first .. ' ' .. #payloads}, {}
  local ids, scores
  for i, payload in ipairs(payloads) do
    local unit = (i - 1) % 10
    if unit == 0 then
      local ten = tens[(i - 1) / 10 + 1]
      ids, scores = second .. ten, second .. '.' .. ten
    end
    fields[2 * i + 1], fields[2 * i + 2] = ids .. units[unit + 1], payload
    entries[2 * i - 1], entries[2 * i] = scores .. units[unit + 1], payload
  end
  call('HSET', HAND, unpack(fields))
  in_hand = true
  if call('ZADD', RESERVED, 'NX', unpack(entries)) < #payloads then
    local stand = call('ZMSCORE', RESERVED, unpack(payloads))
    call('HDEL', HAND, '') -- if this user may not remove, all stay in hand, and none stands beside as well
    for i, payload in ipairs(payloads) do
      if tonumber(stand[i]) ~= tonumber(entries[2 * i - 1]) then
        call('HINCRBY', EQUAL, payload, 1)
        call('HDEL', HAND, fields[2 * i + 1])
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
