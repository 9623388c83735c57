-- Ends a lease: what was used takes the place of what was claimed. Again, it changes nothing.
-- KEYS: leases, this lease, the mark of a lease that was lost, then minute and sums of each level.
-- ARGV: offset_s, lease id, was it cancelled, tokens and tiyn that were used, tokens that were claimed, was it never
-- sent before, when it was reserved, when it ended (both in ms), then the limits of each level.
-- Gives: now_ms, and what is told of each level.

local leases, lease, lost = KEYS[1], KEYS[2], KEYS[3]
local id, is_cancelled = ARGV[2], ARGV[3] == '1'
local settled = {tokens = tonumber(ARGV[4]), tiyn = tonumber(ARGV[5]), requests = is_cancelled and 0 or 1}
local claimed, is_first = tonumber(ARGV[6]), ARGV[7] == '1'
local reserved_ms, ended_ms = tonumber(ARGV[8]), tonumber(ARGV[9])

local record = load_record(lease)
local was_lost = redis.call('DEL', lost) == 1
if record then
  redis.call('DEL', lease)
  redis.call('ZREM', leases, id)
end
-- Its lease ran out, or Redis has forgotten all: the reservation is gone, what was used is not.
local is_gone = not record and (was_lost or is_first)

-- Sums that were seeded after the end have it from the ledger.
local function count_late(level)
  local minute, then_periods = level.minute, periods_at(reserved_ms)
  local second = math.floor(reserved_ms / 1000) + minute.a
  if holds(minute, second) and redis.call('HEXISTS', minute.key, 'r' .. second) == 1 then
    replace(minute, second, {1, claimed}, {settled.requests, settled.tokens})
  end
  for sum = 1, 4 do
    local entry = level.sums[sum]
    if entry and then_periods[sum] == entry.p and is_news(entry, ended_ms) then
      entry.u = more(entry.u, amount_of(sum, settled.tokens, settled.tiyn))
    end
  end
end

local reply = {now_ms}
for key = 4, #KEYS, 2 do
  local at = (key - 4) / 2
  local level = {minute = load_minute(KEYS[key]), sums = load_sums(KEYS[key + 1]), limits = limits_at(10 + at * 13)}
  if record then
    release(level, record, at + 1, settled)
  elseif is_gone then
    count_late(level)
  end
  tell(reply, level, true)
  store_minute(level.minute)
  store_sums(level.sums)
end
return reply
