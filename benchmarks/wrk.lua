-- For benchmarks/loading.py. Without a pause, each connection asks again as soon as it is answered.
local pause = tonumber(os.getenv("PAUSE_MS"))
if pause then
  function delay() return pause end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '\n{"requests": %d, "bytes": %d, "microseconds": %d, "failed": %d, "p99": %d}',
    summary.requests, summary.bytes, summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(99)
  ))
end
