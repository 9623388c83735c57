-- Adds what was used without a lease to the sums that are there. The same list again adds nothing.
-- KEYS: the mark of this list, then sums. ARGV: offset_s, then for each sums: when it was used, when that was known
-- (both in ms), tokens, tiyn.

if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', LOST_MS) then
  return {now_ms}
end
for at = 2, #KEYS do
  local first = 2 + (at - 2) * 4
  local used_ms, known_ms = tonumber(ARGV[first]), tonumber(ARGV[first + 1])
  local sums, then_periods = load_sums(KEYS[at]), periods_at(used_ms)
  for sum = 1, 4 do
    local entry = sums[sum]
    if entry and then_periods[sum] == entry.p and is_news(entry, known_ms) then
      entry.u = more(entry.u, amount_of(sum, tonumber(ARGV[first + 2]), tonumber(ARGV[first + 3])))
    end
  end
  store_sums(sums)
end
return {now_ms}
