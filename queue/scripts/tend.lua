-- Moves what is due, sets free what nothing holds any more, and looks at the channel.
-- KEYS after the channel's 15: the inboxes to count, then the inboxes of ghosts to look into.
-- ARGV: 1 most messages to move (0 = only look), 2 how far ahead a delayed message counts as due (ms),
--       3 count of inboxes to count, 4 longest next message to return (bytes, 0 = none),
--       then the ids of the ghosts whose inboxes follow the counted ones.
-- Returns {now (us), moved, 1 = more is due, waiting, delayed, reserved, timeout, failed, due,
--   next due (us, '' = none), foreign reservations, {worker, beat, ...}, {ghosts to look at next},
--   the message of waiting to be taken next ('' = none, or too long), workers that look after the channel now (0 to 2)}.
local limit, ahead, inboxes = tonumber(ARGV[1]), tonumber(ARGV[2]) / 1000, tonumber(ARGV[3])
local peek = tonumber(ARGV[4])
local ORPHAN_AFTER = 30 -- seconds past the deadline: the owner or the sweep should have been there
local RELEASED = 20     -- equal messages that are let go at once, where nothing holds them
local now = clock()

-- Foreign entries have whole-second scores. One of ours that is so late has no owner any more, unless the
-- clock was stepped forward: as long as there are workers, whose hands are the record that counts, it takes
-- more than a step of a clock.
local function park_overdue()
  local margin = call('HLEN', WORKERS) == 0 and ORPHAN_AFTER or WEEK
  local overdue = call('ZRANGEBYSCORE', RESERVED, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 1000)
  for i = 1, #overdue, 2 do
    local payload, score = overdue[i], tonumber(overdue[i + 1])
    if score == math.floor(score) or score + margin < now then
      call('LPUSH', TIMEOUT, payload)
      call('ZREM', RESERVED, payload)
    end
  end
end

-- A Hyperf consumer ends a run without releasing its equals, and would leave them to us one by one.
local function release_unheld()
  if call('EXISTS', EQUAL) == 0 then return end
  for _, payload in ipairs(call('HRANDFIELD', EQUAL, 100)) do
    for _ = 1, RELEASED do
      if not release_equal(payload) then break end
    end
  end
end

-- A mark of a late run keeps its message from being reloaded, so that it must not outlive its worker.
local function forget_marks_of_the_gone()
  if call('EXISTS', LATE) == 0 then return end
  for _, mark in ipairs(call('HRANDFIELD', LATE, 100)) do
    local worker = string.match(mark, '^(.*)/[^/]*$')
    if not worker or call('HEXISTS', WORKERS, worker) == 0 then call('HDEL', LATE, mark) end
  end
end

-- The fraction of a ghost's score counts its looks, in 1/64. Keepers that look together count as one.
local function look_at_ghosts()
  for i = 5, #ARGV do
    local ghost, score = ARGV[i], call('ZSCORE', GHOSTS, ARGV[i])
    empty_inbox(KEYS[15 + inboxes + i - 4])
    if score and tonumber(score) <= now then
      local looks = (tonumber(score) % 1) * 64
      local pause = GHOST_LOOKS[looks + 1]
      if pause then
        call('ZADD', GHOSTS, math.floor(now) + pause + (looks + 1) / 64, ghost)
      else
        call('ZREM', GHOSTS, ghost)
      end
    end
  end
end

local function waiting_count()
  local count = call('LLEN', WAITING)
  for i = 16, 15 + inboxes do count = count + call('LLEN', KEYS[i]) end
  for _, copies in ipairs(call('HVALS', EQUAL)) do count = count + tonumber(copies) end
  return count
end

local function next_due()
  local first = ''
  for _, key in ipairs({DELAYED, BESIDE}) do
    local entry = call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if entry[2] and (first == '' or tonumber(entry[2]) < first) then first = tonumber(entry[2]) end
  end
  return first ~= '' and string.format('%.0f', first * 1000000) or ''
end

-- Only the seconds in which a deadline can lie are asked, and not more than 256 of them.
local function foreign_count()
  local first = call('ZRANGE', RESERVED, 0, 0, 'WITHSCORES')
  if not first[2] then return 0 end
  local last = call('ZREVRANGE', RESERVED, 0, 0, 'WITHSCORES')
  local from, count = math.ceil(tonumber(first[2])), 0
  for second = from, math.min(math.floor(tonumber(last[2])), from + 255) do
    count = count + call('ZCOUNT', RESERVED, second, second)
  end
  return count
end

-- What is taken next stands at the tail.
local function next_message()
  local payload = peek > 0 and call('LINDEX', WAITING, -1)
  return payload and #payload <= peek and payload or ''
end

local moved, more = 0, 0
if limit > 0 then
  pass_maxmemory()
  while moved < limit do
    local step = move_due(now, math.min(100, limit - moved))
    moved = moved + step
    if step < 100 then break end
  end
  if moved >= limit then more = 1 end
  park_overdue()
  release_unheld()
  forget_marks_of_the_gone()
  look_at_ghosts()
end
local horizon = now + ahead
return {
  string.format('%.0f', now * 1000000), moved, more,
  waiting_count(), call('ZCARD', DELAYED) + call('ZCARD', BESIDE), call('ZCARD', RESERVED), call('LLEN', TIMEOUT), call('LLEN', FAILED),
  call('ZCOUNT', DELAYED, '-inf', horizon) + call('ZCOUNT', BESIDE, '-inf', horizon), next_due(), foreign_count(),
  call('HGETALL', WORKERS), call('ZRANGEBYSCORE', GHOSTS, '-inf', now, 'LIMIT', 0, 50), next_message(),
  call('ZCOUNT', TENDER, now, '+inf'),
}
