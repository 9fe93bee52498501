-- The exchange as it is nearly always: nothing is late, equal, lost or to be repeated, and `waiting` has
-- what is wanted or nothing is due. It does what the general one does, which stands before it as
-- general(), in fewer commands; whatever is not usual goes there, before the first write.
-- KEYS, ARGV and answer are those of exchange.lua.
local WORKERS, LATE, INBOX = KEYS[6], KEYS[7], KEYS[#KEYS]

-- Every key that the usual way writes to is asked by a command of its type before the first write, or found
-- to be absent: a wrong type is an error here, and not between two writes. The general way then names the key.
local function is_usual()
  if forgets > 0 or call('HEXISTS', WORKERS, ARGV[1]) == 0 or call('EXISTS', LATE, EQUAL, INBOX) > 0 then return false end
  local last = call('HGET', HAND, note)
  if last and string.find(last, claim .. ' ', 1, true) == 1 then return false end
  if want > 0 then
    call('GET', TOKENS)
    call('HLEN', REDELIVERED)
    if call('LLEN', WAITING) < want and call('EXISTS', KEYS[2], KEYS[8]) > 0 then return false end
    if acks == 0 then call('ZCARD', RESERVED) end
  end
  return unmirror()
end

local ok, usual = pcall(is_usual)
if not (ok and usual) then return general() end

let_go_of_all()
local first, payloads = claim_by(function(payloads) take(WAITING, payloads, 0) end)
if not first then return payloads end
return {1, first, {}, {}, payloads, redeliveries(payloads), oversized}
