-- Stands before every script: notes why a message goes to `failed`.

local function explain(payload, reason, worker)
  local KEPT = 1000
  local t = redis.call('TIME')
  redis.call('LPUSH', KEYS[11], cjson.encode({
    digest = redis.sha1hex(payload), reason = reason, worker = worker,
    at = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000),
  }))
  redis.call('LTRIM', KEYS[11], 0, KEPT - 1)
end

