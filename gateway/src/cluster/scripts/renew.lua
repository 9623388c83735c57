-- Renews the leases of one gateway that are still there.
-- KEYS: leases. ARGV: (not used), lease_ms, then the ids.

local renewed = {}
for at = 3, #ARGV do
  renewed[#renewed + 1] = now_ms + tonumber(ARGV[2])
  renewed[#renewed + 1] = ARGV[at]
end
redis.call('ZADD', KEYS[1], 'XX', unpack(renewed))
redis.call('PEXPIRE', KEYS[1], RECORD_MS)
return {now_ms}
