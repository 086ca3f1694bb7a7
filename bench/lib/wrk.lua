-- Ends wrk's report with one line of JSON. Asks for the same address each time, for which no Lua runs,
-- or with the words PREFIX COUNT SUFFIX for one of COUNT addresses by chance. With one word it posts
-- the JSON in the file of that name.
function init(args)
   if #args == 1 then
      local file = assert(io.open(args[1], "rb"))
      wrk.method, wrk.body = "POST", file:read("*a")
      wrk.headers["Content-Type"] = "application/json"
      file:close()
      return
   end
   if #args ~= 3 then return end
   local prefix, count, suffix = args[1], tonumber(args[2]), args[3]
   local requests = {}
   for number = 0, count - 1 do
      requests[number] = wrk.format("GET", string.format("%s%05d%s", prefix, number, suffix))
   end
   math.randomseed(1)
   function request() return requests[math.random(0, count - 1)] end
end

function done(summary, latency)
   local e = summary.errors
   io.write(string.format(
      '{"duration_us": %d, "requests": %d, "bytes": %.0f, "p50_us": %d, "p99_us": %d, ' ..
      '"errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n',
      summary.duration, summary.requests, summary.bytes, latency:percentile(50), latency:percentile(99),
      e.connect, e.read, e.write, e.status, e.timeout))
end
