-- Removes all messages of one state, those that wait beside it too.
-- ARGV: 1 waiting | delayed | reserved | timeout | failed.
-- Returns how many messages went.
local state, gone = ARGV[1], 0
if state == 'waiting' then
  gone = call('LLEN', WAITING)
  for _, copies in ipairs(call('HVALS', EQUAL)) do gone = gone + tonumber(copies) end
  call('DEL', WAITING, EQUAL)
elseif state == 'delayed' then
  gone = call('ZCARD', DELAYED) + call('ZCARD', BESIDE)
  call('DEL', DELAYED, BESIDE)
elseif state == 'reserved' then
  gone = call('ZCARD', RESERVED)
  call('DEL', RESERVED)
elseif state == 'timeout' then
  gone = call('LLEN', TIMEOUT)
  call('DEL', TIMEOUT)
elseif state == 'failed' then
  gone = call('LLEN', FAILED)
  call('DEL', FAILED, KEYS[11])
end
return gone
