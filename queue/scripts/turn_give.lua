-- Ends a worker's turn at an exclusive queue, if it has it.
-- KEYS: 1 turn, 2 fence. ARGV: 1 holder.
-- Returns 1 when it had it, else 0.
local call = redis.call
if call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
call('DEL', KEYS[1])
return 1
