-- Adds messages that are due later. A payload that stands in `delayed` already moves to the new
-- time, as the producers' rule of the unique id asks.
-- ARGV: 1 delay (ms), then the payloads.
-- Returns how many of them were new.
local due, added = clock() + tonumber(ARGV[1]) / 1000, 0
for i = 2, #ARGV do
  added = added + call('ZADD', DELAYED, due, ARGV[i])
end
return added
