// Loaded by `doorward run` into every Node process: before version 24 (and 22.21) Node passes over
// HTTPS_PROXY. Sends https and fetch through the run's proxy by CONNECT.
'use strict';
(() => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major >= 24 || (major === 22 && minor >= 21)) return;
  const named = process.env.HTTPS_PROXY || process.env.https_proxy;
  if (!named) return;
  let proxy;
  try {
    proxy = new URL(named);
  } catch {
    return;
  }
  const http = require('http');
  const https = require('https');
  const net = require('net');
  const tls = require('tls');
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;

  // A TLS connection through the proxy; `done` gets an error or the socket.
  function connect(options, done) {
    let open = true;
    const once = (error, socket) => {
      if (!open) return;
      open = false;
      done(error, socket);
    };
    const host = options.hostname || options.host || 'localhost';
    const target = `${net.isIPv6(host) ? `[${host}]` : host}:${options.port || 443}`;
    const request = http.request({
      host: proxy.hostname,
      port: proxy.port || 80,
      method: 'CONNECT',
      path: target,
      headers: { host: target, 'proxy-authorization': authorization },
      agent: new http.Agent({ keepAlive: false }),
    });
    request.setTimeout(30000, () => request.destroy(new Error('the proxy does not answer')));
    request.once('error', (error) => once(error));
    request.once('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece) => {
        if (text.length < 1000) text += piece;
      });
      answer.once('end', () => once(new Error(`doorward run: ${text.trim() || answer.statusCode}`)));
    });
    request.once('connect', (answer, socket, head) => {
      if (answer.statusCode !== 200) {
        socket.destroy();
        once(new Error(`doorward run: ${head.toString().trim() || answer.statusCode}`));
        return;
      }
      socket.setTimeout(0);
      const settings = { ...options, socket, host, servername: options.servername || (net.isIP(host) ? '' : host) };
      delete settings.path;
      delete settings.lookup;
      const secured = tls.connect(settings);
      secured.once('secureConnect', () => once(null, secured));
      secured.once('error', (error) => once(error));
    });
    request.end();
  }

  https.Agent.prototype.createConnection = function createConnection(...given) {
    const done = given.findLast((one) => typeof one === 'function');
    const options = Object.assign({}, ...given.filter((one) => one && typeof one === 'object'));
    connect({ ...options, hostname: undefined, ALPNProtocols: ['http/1.1'] }, (error, socket) => {
      if (done) done(error, socket);
    });
  };

  // Node's fetch takes its connections from a dispatcher that is shared under this name.
  const shared = Symbol.for('undici.globalDispatcher.1');
  void globalThis.Response;
  const made = globalThis[shared];
  if (made && made.constructor) {
    try {
      globalThis[shared] = new made.constructor({
        connect(options, done) {
          if (options.protocol === 'https:') {
            const { hostname, port, servername } = options;
            connect({ hostname, port, servername, ALPNProtocols: ['http/1.1'] }, done);
            return;
          }
          const socket = net.connect({ host: options.hostname, port: options.port || 80 });
          socket.setNoDelay(true);
          socket.once('connect', () => done(null, socket));
          socket.once('error', (error) => done(error));
        },
      });
    } catch {
      // An unknown version: its https is covered all the same.
    }
  }
})();
