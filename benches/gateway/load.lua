-- Requests in turn under each key of a file, as fast as they are answered, or every `delay` ms.
local requests, at, pause = {}, 0, 0

function init(args)
    local keys, method, path, body, wait = args[1], args[2], args[3], args[4], args[5]
    pause = tonumber(wait or 0)
    for key in io.lines(keys) do
        local headers = { Authorization = "Bearer " .. key, Host = "127.0.0.1" }
        if body and body ~= "" then headers["Content-Type"] = "application/json" else body = nil end
        requests[#requests + 1] = wrk.format(method, path, headers, body)
    end
    if pause == 0 then delay = nil end
end

function delay() return pause end

function request()
    at = at % #requests + 1
    return requests[at]
end
