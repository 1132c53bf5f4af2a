// Node's ways of calling a host that is built in: fetch, https, an agent of one's own, axios.
'use strict';
const https = require('https');
const url = 'https://api.instantly.ai/api/v2/campaigns?limit=1';
const headers = { authorization: `Bearer ${process.env.INSTANTLY_API_KEY}` };

function get(agent) {
  return new Promise((resolve, reject) => {
    https
      .get(url, { headers, agent }, (answer) => {
        let text = '';
        answer.on('data', (piece) => (text += piece));
        answer.on('end', () => resolve([answer.statusCode, text]));
      })
      .on('error', reject);
  });
}

const ways = {
  fetch: async () => {
    const answer = await fetch(url, { headers });
    return [answer.status, await answer.text()];
  },
  https: () => get(undefined),
  agent: () => get(new https.Agent({ keepAlive: true })),
  axios: async () => {
    const axios = require(require.resolve('axios', { paths: [process.env.NPM_FOLDER] }));
    const answer = await axios.get(url, { headers, responseType: 'text', transformResponse: (x) => x });
    return [answer.status, answer.data];
  },
  elsewhere: async () => {
    try {
      const answer = await fetch('https://elsewhere.example/');
      return [answer.status, 'it came through'];
    } catch (error) {
      return [0, String(error.cause)];
    }
  },
};

(async () => {
  for (const name of process.argv.slice(2)) {
    const [status, text] = await ways[name]();
    console.log(`${name} ${status} ${text}`);
  }
  process.exit(0);
})();
