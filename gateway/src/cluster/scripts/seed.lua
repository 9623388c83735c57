-- Sets a sum that is not there to what the ledger knows. One that is there knows better.
-- KEYS: sums. ARGV: offset_s, which sum, a moment of the period that the ledger was asked for, used, percent that was
-- told.

local sum, at_ms = tonumber(ARGV[2]) + 1, tonumber(ARGV[3])
local sums = load_sums(KEYS[1])
if not sums[sum] and periods_at(at_ms)[sum] == periods[sum] then
  sums[sum] = {p = periods[sum], u = math.min(tonumber(ARGV[4]), MOST), r = 0, a = tonumber(ARGV[5]), s = now_ms}
end
store_sums(sums)
return {now_ms}
