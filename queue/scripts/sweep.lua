-- Empties the hand and the inbox of a worker that is dead or leaves, and forgets the worker.
-- ARGV: 1 worker, 2 its last beat as seen ('' = whatever it is), 3 park | redeliver, 4 most redeliveries (0 = no limit).
-- Returns {0} when the beat is another one by now; else {1, runs given back, runs that were late, messages from the inbox}.
local worker, seen, policy, max = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local beat = call('HGET', WORKERS, worker)
if not beat or (seen ~= '' and beat ~= seen) then return {0} end
pass_maxmemory()

local from_inbox, back, late = empty_inbox(INBOX), 0, 0
local ids = {}
for _, field in ipairs(call('HKEYS', HAND)) do
  if is_run(field) then ids[#ids + 1] = field end
end
table.sort(ids, function(a, b) return tonumber(a) > tonumber(b) end)
local from, to, step = 1, #ids, 1
if policy ~= 'redeliver' then from, to, step = #ids, 1, -1 end
for i = from, to, step do
  local id = ids[i]
  local payload = call('HGET', HAND, id)
  if is_late(worker, id, payload) then
    late = late + 1
  else
    give_back(payload, policy, max, worker)
    back = back + 1
  end
  let_go(worker, id, payload)
end
call('ZADD', GHOSTS, math.floor(clock()) + GHOST_LOOKS[1] + 1 / 64, worker)
call('DEL', HAND)
call('ZREM', TENDER, worker)
call('ZREM', SEEN, worker)
call('HDEL', WORKERS, worker)
if call('HLEN', WORKERS) == 0 then call('DEL', SEEN) end
return {1, back, late, from_inbox}
