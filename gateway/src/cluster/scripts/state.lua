-- What is counted for a scope. KEYS: its minute, its sums. ARGV: offset_s.
-- Gives: now_ms, requests, tokens, requests under way, then used (-1: not known) and reserved of each sum.

local minute, sums = load_minute(KEYS[1]), load_sums(KEYS[2])
local reply = {now_ms, minute.r, minute.t, minute.c}
for sum = 1, 4 do
  reply[#reply + 1] = sums[sum] and sums[sum].u or -1
  reply[#reply + 1] = sums[sum] and sums[sum].r or 0
end
store_minute(minute)
store_sums(sums)
return reply
