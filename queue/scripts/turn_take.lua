-- Gives a worker the turn of an exclusive queue, if nobody has it, or renews the one that it has.
-- KEYS: 1 turn, 2 fence. ARGV: 1 holder, 2 lease (ms), 3 how many numbers belong to one turn.
-- Returns {1, first number of the turn (text)}; {0, ''} where another one has it.
-- The numbers grow with the clock of Redis, so that they also grow beyond a fail-over that forgot some, and never fall
-- behind those given before where that clock is set back.
local TURN, FENCE = KEYS[1], KEYS[2]
local call = redis.call

local holder, last = call('GET', TURN), call('GET', FENCE)
if holder and holder ~= ARGV[1] then return {0, ''} end
local numbers = tonumber(ARGV[3])
if holder and last then
  call('PEXPIRE', TURN, ARGV[2])
  return {1, string.format('%.0f', tonumber(last) - numbers)}
end
local now = call('TIME')
local first = math.max(tonumber(last or 0), tonumber(now[1]) * 1000000 + tonumber(now[2]))
call('DEL', TURN) -- Redis over maxmemory refuses a growing command only as the first write
call('SET', FENCE, string.format('%.0f', first + numbers))
call('SET', TURN, ARGV[1], 'PX', ARGV[2])
return {1, string.format('%.0f', first)}
