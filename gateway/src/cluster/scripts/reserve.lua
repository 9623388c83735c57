-- Counts a claim at all of its levels, or nothing.
-- KEYS: leases, this lease, then minute and sums of each level.
-- ARGV: offset_s, base of names, lease id, lease_ms, tokens, tiyn, is it free, then the limits of each level.
-- Gives: now_ms; how many sums must be seeded first, each with its level; how many may be seeded later, the same; how
-- many limits are in the way, each with level, measure and how long (-1: for good, -2: until the end of its period);
-- and what is told of each level.

local leases, lease = KEYS[1], KEYS[2]
local base, id, lease_ms = ARGV[2], ARGV[3], tonumber(ARGV[4])
local tokens, tiyn, is_free = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == '1'

-- Leases that nobody renews belong to gateways that are gone.
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now_ms, 'LIMIT', 0, 50)) do
  local record = load_record(base .. 'lease:' .. gone)
  if record then
    for at = 1, tonumber(record.n) do
      local level = {minute = load_minute(record['m' .. at]), sums = load_sums(record['s' .. at])}
      release(level, record, at, nil)
      store_minute(level.minute)
      store_sums(level.sums)
    end
    redis.call('DEL', base .. 'lease:' .. gone)
    redis.call('SET', base .. 'lost:' .. gone, '1', 'PX', LOST_MS)
  end
  redis.call('ZREM', leases, gone)
end

local levels = {}
for at = 3, #KEYS, 2 do
  local limits = limits_at(8 + #levels * 13)
  levels[#levels + 1] = {minute = load_minute(KEYS[at]), sums = load_sums(KEYS[at + 1]), limits = limits}
end

-- In the order in which limits/ looks, for the first of those that last longest is told.
local needed, later, short = {}, {}, {}
for at, level in ipairs(levels) do
  local minute, sums, limits = level.minute, level.sums, level.limits
  if limits.requests and minute.r + 1 > limits.requests then
    short[#short + 1] = {at - 1, 0, until_free_ms(minute, 'r', minute.r + 1 - limits.requests)}
  end
  if limits.tokens and minute.t + tokens > limits.tokens then
    local wait = tokens > limits.tokens and -1 or until_free_ms(minute, 't', minute.t + tokens - limits.tokens)
    short[#short + 1] = {at - 1, 1, wait}
  end
  if limits.places and minute.c + 1 > limits.places then
    short[#short + 1] = {at - 1, 2, 1000}
  end
  for sum = 1, 4 do
    local limit, entry, amount = limits.sums[sum], sums[sum], amount_of(sum, tokens, tiyn)
    if limit.most and (sum == 1 or not is_free) then
      if not entry then
        local list = limit.is_hard and needed or later
        list[#list + 1] = at - 1
        list[#list + 1] = sum - 1
      elseif limit.is_hard and entry.u + entry.r + amount > limit.most then
        -- -2: until the period ends. 1000: only requests under way are in the way.
        local wait = amount > limit.most and -1 or (entry.u + amount > limit.most and -2 or 1000)
        short[#short + 1] = {at - 1, sum + 2, wait}
      end
    end
  end
end

local reply = {now_ms, #needed / 2}
for _, value in ipairs(needed) do
  reply[#reply + 1] = value
end
reply[#reply + 1] = #later / 2
for _, value in ipairs(later) do
  reply[#reply + 1] = value
end
reply[#reply + 1] = #short
for _, shortage in ipairs(short) do
  for _, value in ipairs(shortage) do
    reply[#reply + 1] = value
  end
end

local is_counted = #needed == 0 and #short == 0
if is_counted then
  local record = {'n', #levels, 'tokens', ARGV[5], 'tiyn', ARGV[6], 'day', periods[1], 'month', periods[3]}
  for at, level in ipairs(levels) do
    local minute, held = level.minute, ''
    minute.c = minute.c + 1
    replace(minute, minute.h, {0, 0}, {1, tokens})
    minute.l = minute.h
    for sum = 1, 4 do
      local entry = level.sums[sum]
      if entry then
        entry.r = more(entry.r, amount_of(sum, tokens, tiyn))
      end
      held = held .. (entry and '1' or '0')
    end
    local fields = {'m' .. at, minute.key, 's' .. at, level.sums.key, 'at' .. at, minute.h, 'held' .. at, held}
    for _, value in ipairs(fields) do
      record[#record + 1] = value
    end
  end
  redis.call('HSET', lease, unpack(record))
  redis.call('PEXPIRE', lease, RECORD_MS)
  redis.call('ZADD', leases, now_ms + lease_ms, id)
  redis.call('PEXPIRE', leases, RECORD_MS)
end

for _, level in ipairs(levels) do
  tell(reply, level, is_counted)
  store_minute(level.minute)
  store_sums(level.sums)
end
return reply
