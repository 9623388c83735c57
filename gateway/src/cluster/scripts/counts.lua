-- Counts of scopes, as limits/ counts them in memory. This stands before each of the scripts.
--
-- A scope has two hashes. Its minute: h (newest second), a (seconds that the clock was set back by), r and t (requests
-- and tokens in the window), c (requests under way), l (the second of the last request), and r<second>, t<second> for
-- each second in it. Its sums, 1 to 4 (tokens of the day, tiyn of the day, of the month, ever): p (which period), u
-- (used), r (reserved), a (percent that was told), s (when it was seeded), and d, the day on which it was last kept for
-- longer. A sum that is not there was never seeded. Time is Redis' own. Numbers stay below 2^53.

local MOST = 9007199254740991
local BUCKETS = 61
local MINUTE_MS = 62000
local UNDER_WAY_MS = 86400000
local SUMS_MS = 40 * 86400000
local RECORD_MS = 2 * 86400000
local LOST_MS = 86400000
-- So late a row may be in the ledger, and clocks apart.
local LEDGER_LAG_MS = 5000
local LETTERS = {'p', 'u', 'r', 'a', 's'}
local SUM_FIELDS = {'p1', 'u1', 'r1', 'a1', 's1', 'p2', 'u2', 'r2', 'a2', 's2', 'p3', 'u3', 'r3', 'a3', 's3', 'p4',
  'u4', 'r4', 'a4', 's4', 'd'}
local MINUTE_LETTERS = {'h', 'a', 'r', 't', 'c', 'l'}

local clock = redis.call('TIME')
local now_s = tonumber(clock[1])
local now_ms = now_s * 1000 + math.floor(tonumber(clock[2]) / 1000)
local offset_s = tonumber(ARGV[1])

-- Which period of each sum a moment lies in: the day since 1970, the month since year 0, the only one.
local function periods_at(at_ms)
  local day = math.floor((at_ms / 1000 + offset_s) / 86400)
  -- Howard Hinnant's civil_from_days.
  local shifted = day + 719468
  local era = math.floor(shifted / 146097)
  local day_of_era = shifted - era * 146097
  local year_of_era = math.floor((day_of_era - math.floor(day_of_era / 1460) + math.floor(day_of_era / 36524)
    - math.floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era - (365 * year_of_era + math.floor(year_of_era / 4) - math.floor(year_of_era / 100))
  local from_march = math.floor((5 * day_of_year + 2) / 153)
  local month = from_march < 10 and from_march + 3 or from_march - 9
  local year = year_of_era + era * 400 + (month <= 2 and 1 or 0)
  return {day, day, year * 12 + month - 1, 0}
end

local periods = periods_at(now_ms)

local function less(amount, part)
  return math.max(amount - part, 0)
end

local function more(amount, part)
  return math.min(amount + part, MOST)
end

local function window(letter, from, to)
  local fields = {}
  for second = from, to do
    fields[#fields + 1] = letter .. second
  end
  return fields
end

-- The minute of a scope, without what is older than it. What is changed is written by store_minute.
local function load_minute(key)
  local values = redis.call('HMGET', key, 'h', 'a', 'r', 't', 'c', 'l')
  local head = tonumber(values[1])
  local minute = {key = key, buckets = {}, gone = {}, h = head or now_s, a = tonumber(values[2]) or 0,
    r = tonumber(values[3]) or 0, t = tonumber(values[4]) or 0, c = tonumber(values[5]) or 0,
    l = tonumber(values[6]) or 0}
  minute.before = head and {h = head, a = minute.a, r = minute.r, t = minute.t, c = minute.c, l = minute.l} or {}
  if not head then
    return minute
  end
  if now_s + minute.a + BUCKETS < minute.h then
    minute.a = minute.h - now_s
    minute.is_changed = true
  end
  local at = math.max(now_s + minute.a, minute.h)
  if at > minute.h then
    local first, last = minute.h - BUCKETS + 1, math.min(at - BUCKETS, minute.h)
    for _, letter in ipairs({'r', 't'}) do
      local fields = window(letter, first, last)
      for _, left in ipairs(redis.call('HMGET', key, unpack(fields))) do
        minute[letter] = less(minute[letter], tonumber(left or 0))
      end
      minute.gone[letter] = fields
    end
    minute.h = at
    minute.is_changed = true
  end
  return minute
end

local function store_minute(minute)
  if not minute.is_changed then
    return
  end
  -- Only what is another than before: numbers are dear to write.
  local fields = {}
  for _, letter in ipairs(MINUTE_LETTERS) do
    if minute.before[letter] ~= minute[letter] then
      fields[#fields + 1] = letter
      fields[#fields + 1] = minute[letter]
    end
  end
  for field, bucket in pairs(minute.buckets) do
    fields[#fields + 1] = field
    fields[#fields + 1] = bucket
  end
  if #fields == 0 then
    return
  end
  -- Written before anything is removed: where Redis takes no more, nothing has changed.
  redis.call('HSET', minute.key, unpack(fields))
  for _, gone in pairs(minute.gone) do
    redis.call('HDEL', minute.key, unpack(gone))
  end
  local before = minute.before
  if before.h ~= minute.h or (before.c > 0) ~= (minute.c > 0) then
    redis.call('PEXPIRE', minute.key, minute.c > 0 and UNDER_WAY_MS or MINUTE_MS)
  end
end

-- Whether a second is still in the window.
local function holds(minute, second)
  return second <= minute.h and minute.h - second < BUCKETS
end

-- Counts in one second `after` where `before` was counted, both in requests and tokens.
local function replace(minute, second, before, after)
  local names = {'r' .. second, 't' .. second}
  local buckets = redis.call('HMGET', minute.key, names[1], names[2])
  for at, letter in ipairs({'r', 't'}) do
    local bucket = tonumber(buckets[at] or 0)
    local changed = more(less(bucket, before[at]), after[at])
    minute[letter] = more(less(minute[letter], bucket), changed)
    minute.buckets[names[at]] = changed
  end
  minute.is_changed = true
end

local function until_gone_ms(minute, second)
  return math.max((second + BUCKETS - minute.a) * 1000 - now_ms, 0)
end

-- Until so much has left, or -1 if it never does.
local function until_free_ms(minute, letter, excess)
  local first = minute.h - BUCKETS + 1
  local left = 0
  for at, bucket in ipairs(redis.call('HMGET', minute.key, unpack(window(letter, first, minute.h)))) do
    left = left + tonumber(bucket or 0)
    if left >= excess then
      return until_gone_ms(minute, first + at - 1)
    end
  end
  return -1
end

-- Until nothing of it is left: the newest second in which something is, is that of the last request unless it was taken
-- back.
local function until_empty_ms(minute, letter)
  if minute[letter] == 0 then
    return 0
  end
  if holds(minute, minute.l) then
    local field = letter .. minute.l
    local last = minute.buckets[field] or tonumber(redis.call('HGET', minute.key, field) or 0)
    if last > 0 then
      return until_gone_ms(minute, minute.l)
    end
  end
  local first = minute.h - BUCKETS + 1
  local fields = window(letter, first, minute.h)
  local buckets = redis.call('HMGET', minute.key, unpack(fields))
  for at = #buckets, 1, -1 do
    if (minute.buckets[fields[at]] or tonumber(buckets[at] or 0)) > 0 then
      return until_gone_ms(minute, first + at - 1)
    end
  end
  return 0
end

-- The sums of a scope, each in the present period. A clock that was set back forgets nothing.
local function load_sums(key)
  local values = redis.call('HMGET', key, unpack(SUM_FIELDS))
  local sums = {key = key, day = tonumber(values[21])}
  for sum = 1, 4 do
    local at = (sum - 1) * 5
    local period = tonumber(values[at + 1])
    if period then
      local entry = {p = period, u = tonumber(values[at + 2]) or 0, r = tonumber(values[at + 3]) or 0,
        a = tonumber(values[at + 4]) or 0, s = tonumber(values[at + 5]) or 0}
      entry.before = {p = period, u = entry.u, r = entry.r, a = entry.a, s = entry.s}
      if period < periods[sum] then
        entry.u, entry.r, entry.a = 0, 0, 0
      end
      entry.p = periods[sum]
      sums[sum] = entry
    end
  end
  return sums
end

local function store_sums(sums)
  local fields = {}
  for sum = 1, 4 do
    local entry = sums[sum]
    if entry then
      for _, letter in ipairs(LETTERS) do
        if not entry.before or entry.before[letter] ~= entry[letter] then
          fields[#fields + 1] = letter .. sum
          fields[#fields + 1] = entry[letter]
        end
      end
    end
  end
  if #fields == 0 then
    return
  end
  if sums.day ~= periods[1] then
    fields[#fields + 1] = 'd'
    fields[#fields + 1] = periods[1]
  end
  redis.call('HSET', sums.key, unpack(fields))
  if sums.day ~= periods[1] then
    redis.call('PEXPIRE', sums.key, SUMS_MS)
  end
end

-- The limits of one level: thirteen arguments, empty where there is none.
local function limits_at(first)
  local budgets = {}
  for sum = 2, 4 do
    local at = first + 4 + (sum - 2) * 3
    budgets[sum] = {most = tonumber(ARGV[at]), is_hard = ARGV[at + 1] == '1', percents = ARGV[at + 2]}
  end
  budgets[1] = {most = tonumber(ARGV[first + 3]), is_hard = true, percents = ''}
  return {requests = tonumber(ARGV[first]), tokens = tonumber(ARGV[first + 1]), places = tonumber(ARGV[first + 2]),
    sums = budgets}
end

-- What is told of a level: seventeen numbers. Where something was counted, thresholds that were reached are told now.
local function tell(reply, level, is_counted)
  local minute, sums, limits = level.minute, level.sums, level.limits
  local at = #reply
  reply[at + 1], reply[at + 2] = minute.r, limits.requests and until_empty_ms(minute, 'r') or 0
  reply[at + 3], reply[at + 4] = minute.t, limits.tokens and until_empty_ms(minute, 't') or 0
  reply[at + 5] = sums[1] and more(sums[1].u, sums[1].r) or -1
  at = at + 5
  for sum = 2, 4 do
    local entry, budget = sums[sum], limits.sums[sum]
    if entry then
      local before = entry.a
      if is_counted and budget.most and budget.most > 0 then
        local all = (entry.u + entry.r) * 100
        for percent in string.gmatch(budget.percents, '%d+') do
          percent = tonumber(percent)
          if percent > entry.a and all >= budget.most * percent then
            entry.a = percent
          end
        end
      end
      reply[at + 1], reply[at + 2], reply[at + 3], reply[at + 4] = entry.u, entry.r, before, entry.a
    else
      reply[at + 1], reply[at + 2], reply[at + 3], reply[at + 4] = -1, 0, 0, 0
    end
    at = at + 4
  end
end

-- What ended then is not in what the ledger was asked for.
local function is_news(entry, ended_ms)
  return entry.s <= ended_ms + LEDGER_LAG_MS
end

local function amount_of(sum, tokens, tiyn)
  return sum == 1 and tokens or tiyn
end

-- What was reserved at one level of a lease comes back, and the place as well; `settled` has what takes its stead.
local function release(level, record, at, settled)
  local minute, tokens, second = level.minute, tonumber(record.tokens), tonumber(record['at' .. at])
  minute.c = less(minute.c, 1)
  minute.is_changed = true
  if settled and holds(minute, second) then
    replace(minute, second, {1, tokens}, {settled.requests, settled.tokens})
  end
  for sum = 1, 4 do
    local entry, period = level.sums[sum], sum == 4 and 0 or tonumber(sum == 3 and record.month or record.day)
    if entry and period == entry.p then
      if string.sub(record['held' .. at], sum, sum) == '1' then
        entry.r = less(entry.r, amount_of(sum, tokens, tonumber(record.tiyn)))
      end
      if settled then
        entry.u = more(entry.u, amount_of(sum, settled.tokens, settled.tiyn))
      end
    end
  end
end

local function load_record(key)
  local values = redis.call('HGETALL', key)
  if #values == 0 then
    return nil
  end
  local record = {}
  for at = 1, #values, 2 do
    record[values[at]] = values[at + 1]
  end
  return record
end
