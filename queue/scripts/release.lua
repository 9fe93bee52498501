-- Gives back runs that did not start: their messages are the next to be taken.
-- ARGV: 1 worker, then the run ids, oldest first.
-- Returns how many went back (a late one stays in `timeout`).
local worker, moved = ARGV[1], 0
pass_maxmemory()
for i = #ARGV, 2, -1 do
  local id = ARGV[i]
  local payload = call('HGET', HAND, id)
  if payload then
    if not is_late(worker, id, payload) then
      call('RPUSH', WAITING, payload)
      moved = moved + 1
    end
    let_go(worker, id, payload)
  end
end
return moved
