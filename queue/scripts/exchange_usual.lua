-- The exchange as it is nearly always: nothing is late, equal, lost or to be repeated, and `waiting` has
-- what is wanted or nothing is due. It does what the general one does, which stands before it as
-- general(), in fewer commands; whatever is not usual goes there, before the first write.
-- KEYS, ARGV and answer are those of exchange.lua.
local WORKERS, LATE, INBOX = KEYS[6], KEYS[7], KEYS[#KEYS]
local held, acks, ranges, forgets, given = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), 10

-- Every key that the usual way writes to is asked by a command of its type, or found to be absent: a
-- wrong type is an error here, and not between two writes. The general way then names the key.
local function is_usual()
  if forgets > 0 or call('HEXISTS', WORKERS, ARGV[1]) == 0 or call('EXISTS', LATE, EQUAL, INBOX) > 0 then return false end
  local last = call('HGET', HAND, 'claim')
  if last and string.find(last, claim .. ' ', 1, true) == 1 then return false end
  if call('HLEN', HAND) - (last and 1 or 0) < held then return false end
  call('ZCARD', RESERVED)
  if want == 0 then return true end
  call('GET', TOKENS)
  call('HLEN', REDELIVERED)
  return call('LLEN', WAITING) >= want or call('EXISTS', KEYS[2], KEYS[8]) == 0
end

local ok, usual = pcall(is_usual)
if not (ok and usual) then return general() end

if acks > 0 then
  call('HDEL', HAND, unpack(ARGV, given + 1, given + acks))
  for i = given + acks + 1, given + acks + 2 * ranges, 2 do
    local from, to = ARGV[i], ARGV[i + 1]
    call('ZREMRANGEBYSCORE', RESERVED, string.sub(from, 1, 10) .. '.' .. string.sub(from, 11),
      string.sub(to, 1, 10) .. '.' .. string.sub(to, 11))
  end
end

local first, payloads = claim_by(function(payloads) take(WAITING, payloads, 0) end)
if not first then return payloads end
return {1, first, {}, {}, payloads, redeliveries(payloads), oversized}
