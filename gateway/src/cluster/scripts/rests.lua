-- What gateways tell each other of deployments that had better be left alone: each exchange tells, and hears all that is
-- newer than what was heard before.
--
-- An entry is a text of its own, '1 teller trier lease kind at until open failures slow': who told it, who may try first
-- when the rest is over and until when nobody else may, why it rests, when it failed, how long it rests, and how often it
-- failed or was slow. Kind 'well' says that it answers again, and `at` when that request began. The index has the names by
-- the version in which they were last told. Times are milliseconds of Redis' clock, since gateways send durations. What is
-- no entry is removed.
-- KEYS: index. ARGV: what entries' names begin with, who asks, the version that it has heard, then a line for each news:
-- 'rest name kind failed_ago left open failures slow', 'well name began_ago' or 'ask name over'.

local MOST = 4096
local DAY_MS = 86400000
local WELL_MS = 600000
-- Who told of a rest tries first; so long after its end anyone may.
local FIRST_MS = 500
-- And who asked for it has so long.
local LEASE_MS = 1000

local clock = redis.call('TIME')
local now_us = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local now_ms = math.floor(now_us / 1000)
local base, me, since = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function whole(number)
  return string.format('%.0f', number)
end

local kind_of_index = redis.call('TYPE', KEYS[1])['ok']
if kind_of_index ~= 'zset' and kind_of_index ~= 'none' then
  redis.call('DEL', KEYS[1])
end
local newest = tonumber(redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or '0')
if not (newest >= 0 and newest < now_us + DAY_MS * 1000) then
  -- No gateway wrote that.
  redis.call('DEL', KEYS[1])
  newest = 0
end

local function forget(name)
  redis.call('DEL', base .. name)
  redis.call('ZREM', KEYS[1], name)
end

local function read(name)
  local text = redis.pcall('GET', base .. name)
  if not text then
    return nil
  end
  if type(text) == 'string' and #text < 256 then
    local teller, trier, lease, kind, at, till, open, failures, slow =
      string.match(text, '^1 (%w+) (%w+) (%d+) ([%w_]+) (%d+) (%d+) ([01]) (%d+) (%d+)$')
    if teller and tonumber(at) <= now_ms + DAY_MS and tonumber(till) <= now_ms + 2 * DAY_MS then
      return {teller = teller, trier = trier, lease = tonumber(lease), kind = kind, at = tonumber(at),
        till = tonumber(till), open = open, failures = tonumber(failures), slow = tonumber(slow)}
    end
  end
  redis.call('DEL', base .. name)
  return nil
end

local function write(name, entry)
  local keep_ms = WELL_MS
  if entry.kind ~= 'well' then
    keep_ms = math.max(0, entry.till - now_ms) + DAY_MS
  end
  newest = math.max(newest + 1, now_us)
  local text = table.concat({'1', entry.teller, entry.trier, whole(entry.lease), entry.kind, whole(entry.at),
    whole(entry.till), entry.open, whole(entry.failures), whole(entry.slow)}, ' ')
  redis.call('SET', base .. name, text, 'PX', whole(keep_ms))
  redis.call('ZADD', KEYS[1], whole(newest), name)
end

local function bounded(text, most)
  return math.min(tonumber(text) or 0, most)
end

local function rest(name, kind, failed_ago, left, open, failures, slow)
  local entry = {teller = me, trier = me, kind = kind, at = now_ms - bounded(failed_ago, now_ms),
    till = now_ms + bounded(left, DAY_MS), open = open, failures = bounded(failures, 1000), slow = bounded(slow, 1000)}
  local old = read(name)
  if old and old.kind == 'well' and old.teller ~= me and old.at >= entry.at then
    -- Older news. Written anew, so that its teller hears it.
    return write(name, old)
  end
  if old and old.kind ~= 'well' then
    if old.till > entry.till then
      entry.till, entry.kind = math.min(old.till, now_ms + DAY_MS), old.kind
    end
    if old.open == '1' then
      entry.open = '1'
    end
    entry.at = math.max(entry.at, math.min(old.at, now_ms))
  end
  entry.lease = entry.till + FIRST_MS
  write(name, entry)
end

local function well(name, began_ago)
  local began = now_ms - bounded(began_ago, now_ms)
  local old = read(name)
  if old and old.kind ~= 'well' and old.teller ~= me and old.at > began and old.at <= now_ms then
    -- Another one has met a failure since.
    return write(name, old)
  end
  write(name, {teller = me, trier = me, lease = 0, kind = 'well', at = began, till = 0, open = '0', failures = 0, slow = 0})
end

local function ask(name, over)
  local old = read(name)
  -- Who has not heard the last of it does so first.
  if not old or old.kind == 'well' or tonumber(redis.call('ZSCORE', KEYS[1], name) or '0') > since then
    return
  end
  -- Who told of the rest had its time, says the clock of who asks.
  local was_let_first = old.lease == old.till + FIRST_MS and bounded(over, DAY_MS) >= FIRST_MS
  if old.trier == me or was_let_first or old.lease <= now_ms or old.lease > now_ms + DAY_MS + FIRST_MS then
    old.trier, old.lease = me, now_ms + LEASE_MS
    -- Others go by their own clocks.
    old.till = math.min(old.till, now_ms)
    write(name, old)
  end
end

for at = 4, #ARGV do
  local words = {}
  for word in string.gmatch(ARGV[at], '%S+') do
    words[#words + 1] = word
  end
  if words[1] == 'rest' then
    rest(words[2], words[3], words[4], words[5], words[6], words[7], words[8])
  elseif words[1] == 'well' then
    well(words[2], words[3])
  elseif words[1] == 'ask' then
    ask(words[2], words[3])
  end
end

if since > newest then
  since = 0
end
local heard = {whole(newest)}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. whole(since), '+inf', 'LIMIT', 0, MOST)) do
  local entry = string.match(name, '^%x+$') and read(name)
  if entry then
    local is_mine = entry.teller == me and '1' or '0'
    local is_trier = entry.trier == me and '1' or '0'
    local ago = whole(math.max(0, now_ms - entry.at))
    heard[#heard + 1] = table.concat({name, is_mine, is_trier, entry.kind, ago,
      whole(math.max(0, math.min(entry.till - now_ms, DAY_MS))), entry.open, whole(math.min(entry.failures, 1000)),
      whole(math.min(entry.slow, 1000))}, ' ')
  else
    forget(name)
  end
end
if redis.call('ZCARD', KEYS[1]) > MOST then
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -MOST - 1)
end
if newest > 0 then
  redis.call('PEXPIRE', KEYS[1], 2 * DAY_MS)
end
return heard
