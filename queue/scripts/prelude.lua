-- Stands before every script of this folder (script.go joins them).
--
-- KEYS, always all of them and in this order (keys.go writes them):
--   1 waiting  2 delayed  3 reserved  4 timeout  5 failed
--   6 workers  7 late  8 beside  9 equal  10 redelivered  11 reasons  12 tender  13 ghosts  14 tokens  15 seen
--   16 hand:<worker>  17 inbox:<worker>   (only where a script serves one worker)
-- Redis TIME is the only clock. A run id is the second of the handle deadline, a point, and six digits
-- of token, which no other run of that second has: 1700000010.000123. As a number it is the score of the
-- run in `reserved`. These texts are made once and passed on, since turning numbers into text is what
-- costs most in a script.

local WAITING, DELAYED, RESERVED, TIMEOUT, FAILED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local WORKERS, LATE, BESIDE, EQUAL, REDELIVERED = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local TENDER, GHOSTS, TOKENS, SEEN = KEYS[12], KEYS[13], KEYS[14], KEYS[15]
local HAND, INBOX = KEYS[16], KEYS[17]
local call = redis.call

local KINDS = {
  'list', 'zset', 'zset', 'list', 'list', 'hash', 'hash', 'zset', 'hash', 'hash', 'list', 'zset', 'zset', 'string', 'zset',
}
local WEEK = 604800                    -- seconds that a redelivery count outlives its last change
local GHOST_LOOKS = {5, 60, 300, 1200, 86400} -- seconds between the looks into a swept worker's inbox
local HELD = '\0held' -- in `late`, instead of the payload: the run is past its deadline, but its message is in hand only

-- After the channel's keys come those of workers: <channel>:hand:<worker> and <channel>:inbox:<worker>.
local function kind_of(i)
  if KINDS[i] then return KINDS[i] end
  local name = #KEYS[1] - 6 -- where it begins behind "<channel>:", as in <channel>:waiting
  return string.sub(KEYS[i], name, name + 4) == 'hand:' and 'hash' or 'list'
end

-- Scripts do not roll back, so that a key of a wrong type has to be found before the first write.
local function wrong_type()
  for i = 1, #KEYS do
    local want, is = kind_of(i), call('TYPE', KEYS[i]).ok
    if is ~= want and is ~= 'none' then
      return redis.error_reply('WRONGTYPE key ' .. KEYS[i] .. ' holds a ' .. is .. ' where a ' .. want .. ' is expected')
    end
  end
end

-- Over maxmemory Redis refuses a growing command only as the first write of a script. Moves do not
-- grow the data by themselves, and refusing them would keep the data from ever shrinking.
-- The same step finds out whether this user may remove at all: a move adds before it removes, so that a
-- refusal in between leaves a double, and each repetition would leave another one.
local function pass_maxmemory()
  call('HDEL', LATE, '')
  call('ZREM', GHOSTS, '')
end

local function clock()
  local t = call('TIME')
  return tonumber(t[1]) + tonumber(t[2]) / 1000000
end

-- Redis gives lists to variadic commands over Lua's stack, which holds fewer than 8000 values.
local function in_batches(list, fn)
  for i = 1, #list, 1000 do
    fn(unpack(list, i, math.min(i + 999, #list)))
  end
end

-- Whether a field of a hand is a run. Other fields are notes: of claims, or of a later version.
local function is_run(field)
  return string.find(field, '^%d+%.%d%d%d%d%d%d$') ~= nil
end

-- Whether the entry of this payload in `reserved` was written by this very run.
local function is_mirrored(id, payload)
  local score = call('ZSCORE', RESERVED, payload)
  return score and tonumber(score) == tonumber(id)
end

-- Whether `timeout` holds a copy of the payload that no late run has already put down as its own.
local function parked_unseen(payload)
  local copies = #call('LPOS', TIMEOUT, payload, 'COUNT', 0)
  if copies == 0 then return false end
  for _, other in ipairs(call('HVALS', LATE)) do
    if other == payload then copies = copies - 1 end
  end
  return copies > 0
end

-- Whether the message of a run stands in `timeout` already, put there by its worker or, where the
-- mirror entry is gone after the deadline, by a Hyperf consumer.
local function is_late(worker, id, payload)
  local mark = call('HGET', LATE, worker .. '/' .. id)
  if mark then return mark ~= HELD end
  if is_mirrored(id, payload) or clock() < math.floor(tonumber(id)) then return false end
  return parked_unseen(payload)
end

-- A copy that waits in `equal` may go on as soon as nothing stands in `reserved` for its payload.
local function release_equal(payload)
  local copies = tonumber(call('HGET', EQUAL, payload) or 0)
  if copies == 0 or call('ZSCORE', RESERVED, payload) then return false end
  if copies > 1 then call('HINCRBY', EQUAL, payload, 0) end -- refused now, or not at all
  call('RPUSH', WAITING, payload)
  if copies > 1 then
    call('HINCRBY', EQUAL, payload, -1)
  else
    call('HDEL', EQUAL, payload)
  end
  return true
end

-- Ends a run: the last step of every move, after its message stands where it is to go. The hand is
-- the record that counts and goes last.
local function let_go(worker, id, payload)
  if is_mirrored(id, payload) then call('ZREM', RESERVED, payload) end
  call('HDEL', LATE, worker .. '/' .. id)
  call('HDEL', HAND, id)
  release_equal(payload)
end

-- Counts one more delivery of a message that is not an attempt of its handler. False = too many.
local function may_redeliver(payload, max)
  local count = call('HINCRBY', REDELIVERED, redis.sha1hex(payload), 1)
  call('EXPIRE', REDELIVERED, WEEK)
  return max == 0 or count <= max
end

local function fail_as_poison(payload, max, worker)
  explain(payload, 'poison: it was put back as often as allowed (' .. max .. ') and never ended in time', worker)
  call('LPUSH', FAILED, payload)
end

-- Puts a message where a worker's loss sends it: park | redeliver, the latter at most `max` times (0 = no limit).
local function give_back(payload, policy, max, worker)
  if policy ~= 'redeliver' then
    call('LPUSH', TIMEOUT, payload)
  elseif may_redeliver(payload, max) then
    call('RPUSH', WAITING, payload)
  else
    fail_as_poison(payload, max, worker)
  end
end

-- Where the second part of a member of `beside` begins: <worker>/<run id>:<payload>.
local function beside_payload(member)
  return string.sub(member, string.find(member, ':', 1, true) + 1)
end

-- Up to `limit` entries of a sorted set that are due, as {member, payload, score}, oldest first.
local function due_in(key, now, limit)
  local found, due = call('ZRANGEBYSCORE', key, '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit), {}
  for i = 1, #found, 2 do
    local payload = found[i]
    if key == BESIDE then payload = beside_payload(payload) end
    due[#due + 1] = {key = key, member = found[i], payload = payload, score = tonumber(found[i + 1])}
  end
  return due
end

-- Moves up to `limit` due messages to the head of `waiting`, oldest first, and returns how many.
local function move_due(now, limit)
  local due = due_in(DELAYED, now, limit)
  local aside = due_in(BESIDE, now, limit)
  if #aside > 0 then
    for _, entry in ipairs(aside) do due[#due + 1] = entry end
    table.sort(due, function(a, b) return a.score < b.score end)
  end
  local payloads, members = {}, {[DELAYED] = {}, [BESIDE] = {}}
  for i = 1, math.min(limit, #due) do
    payloads[i] = due[i].payload
    table.insert(members[due[i].key], due[i].member)
  end
  if #payloads > 0 then call('ZREM', GHOSTS, '') end -- as in pass_maxmemory
  in_batches(payloads, function(...) call('LPUSH', WAITING, ...) end)
  for key, list in pairs(members) do
    in_batches(list, function(...) call('ZREM', key, ...) end)
  end
  return #payloads
end

-- Gives an inbox back to the tail of `waiting`, its oldest message to be taken first.
local function empty_inbox(inbox)
  local moved = 0
  while call('LMOVE', inbox, WAITING, 'LEFT', 'RIGHT') do moved = moved + 1 end
  return moved
end

-- Gives a worker's beat its number among all beats of the channel. The row begins anew when `seen` is
-- lost; observers notice that by their own number going back.
local function note_beat(worker)
  local number = call('ZINCRBY', SEEN, 1, '')
  call('ZADD', SEEN, number, worker)
  return tonumber(number)
end

local wrong = wrong_type()
if wrong then return wrong end
