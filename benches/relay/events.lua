-- Events of so many bytes, none like another, as fast as they are answered, or every `delay` ms.
local path, secret, workspace, size, pause, thread = "/", "", "", 1500, 0, 0
local counter, threads = 0, 0

function setup(one)
    one:set("thread", threads)
    threads = threads + 1
end

function init(args)
    path, secret, workspace = args[1], args[2], args[3]
    size, pause = tonumber(args[4]), tonumber(args[5] or 0)
    run = args[6]
    if pause == 0 then delay = nil end
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["X-Webhook-Secret"] = secret
    pad = string.rep("x", size)
end

function delay() return pause end

function request()
    counter = counter + 1
    local head = string.format(
        '{"timestamp":"2026-11-01T10:00:00.000Z","event_type":"reply_received","workspace":"%s",' ..
        '"campaign_id":"0198f000-0000-7000-8000-00000000000c","lead_email":"lead%d@example.com",' ..
        '"n":"%s-%d-%d","reply_text":"', workspace, counter % 50000, run, thread, counter)
    return wrk.format("POST", path, nil, head .. pad:sub(1, size - #head - 2) .. '"}')
end
