-- Gives back runs that stand in a worker's hand though the worker does not know them: a fail-over undid
-- their end. They go where the runs of a lost worker go.
-- ARGV: 1 worker, 2 park | redeliver, 3 most redeliveries (0 = no limit), then the run ids, latest first.
-- Returns how many went back (a late one stays in `timeout`).
local worker, policy, max, moved = ARGV[1], ARGV[2], tonumber(ARGV[3]), 0
pass_maxmemory()
for i = 4, #ARGV do
  local id = ARGV[i]
  local payload = call('HGET', HAND, id)
  if payload then
    if not is_late(worker, id, payload) then
      give_back(payload, policy, max, worker)
      moved = moved + 1
    end
    let_go(worker, id, payload)
  end
end
return moved
