-- Moves messages from `timeout` or `failed` to the head of `waiting`, oldest first.
-- ARGV: 1 timeout | failed, 2 how many at most, 3 most redeliveries (0 = no limit; counts only from `timeout`).
-- Returns {moved, sent to `failed` as poison, left because their run still works, length before}.
local from, limit, max = TIMEOUT, tonumber(ARGV[2]), tonumber(ARGV[3])
if ARGV[1] == 'failed' then from = FAILED end
local length = call('LLEN', from)
pass_maxmemory()
call('LREM', KEYS[11], 1, '') -- of reasons: whether this user may remove from lists, found out before anything is added

local working, marks = {}, 0
if from == TIMEOUT then
  for _, payload in ipairs(call('HVALS', LATE)) do
    working[payload] = (working[payload] or 0) + 1
    marks = marks + 1
  end
end

local oldest = call('LRANGE', from, -(limit + marks), -1)
local moved, poison, skipped = 0, 0, 0
for i = #oldest, 1, -1 do
  if moved + poison == limit then break end
  local payload = oldest[i]
  if (working[payload] or 0) > 0 then
    working[payload] = working[payload] - 1
    skipped = skipped + 1
  else
    if from == FAILED or may_redeliver(payload, max) then
      call('LPUSH', WAITING, payload)
      moved = moved + 1
    else
      fail_as_poison(payload, max, '')
      poison = poison + 1
    end
    call('LREM', from, -1, payload)
  end
end
return {moved, poison, skipped, length}
