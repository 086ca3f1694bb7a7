// Many WebSocket subscribers to the progress of one video (graphql-transport-ws), in one process.
//
//   node subscribers.mjs BASE COUNT TOKEN VIDEO NUMBER
//
// Opens COUNT sockets to BASE/graphql, each with one subscription, and prints a line of JSON when all
// have their snapshot. Then, for each line `change TEXT` on standard input, it gives the video that title
// through REST and prints how long it took from the request on until each subscriber had it. It ends
// with its standard input.
import { createRequire } from 'node:module'
import readline from 'node:readline'

const require = createRequire(new URL('../../tools/js/package.json', import.meta.url))
const WebSocket = require('ws')

const [base, count, token, video, number] = process.argv.slice(2)
const total = Number(count)
const PATIENCE_MS = 60_000
// As many handshakes as are on their way at once; a server answers some hundred in a second.
const AT_ONCE = 50

const url = base.replace(/^http/, 'ws') + '/graphql'
const subscribe = JSON.stringify({
  id: '1',
  type: 'subscribe',
  payload: {
    query: 'subscription Watch($id: ID!) { videoProgress(id: $id) { seq state percent video { id title } } }',
    variables: { id: video },
  },
})

let onTitle = () => {}

function open(index) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false })
    const fail = (why) => reject(new Error(`subscriber ${index}: ${why}`))
    socket.on('error', (error) => fail(error.message))
    socket.on('close', (code, reason) => fail(`closed with ${code} ${reason}`))
    socket.on('open', () => socket.send('{"type":"connection_init"}'))
    socket.on('message', (data) => {
      const text = data.toString()
      const message = JSON.parse(text)
      if (message.type === 'connection_ack') socket.send(subscribe)
      else if (message.type === 'ping') socket.send('{"type":"pong"}')
      else if (message.type === 'next' && message.payload.data) {
        const at = performance.now()
        resolve()
        onTitle(index, message.payload.data.videoProgress.video.title, at)
      } else if (message.type !== 'pong') fail(text)
    })
  })
}

async function openAll() {
  let next = 0
  const lane = async () => {
    while (next < total) await open(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
}

function change(title) {
  return new Promise((resolve, reject) => {
    const waits = new Map()
    let answered = false
    const began = performance.now()
    const timer = setTimeout(() => reject(new Error(`${waits.size} of ${total} had it in time`)), PATIENCE_MS)
    const done = () => {
      if (!answered || waits.size < total) return
      clearTimeout(timer)
      onTitle = () => {}
      resolve([...waits.values()].sort((a, b) => a - b))
    }
    onTitle = (index, seen, at) => {
      if (seen !== title || waits.has(index)) return
      waits.set(index, at - began)
      done()
    }
    fetch(`${base}/api/videos/${number}/`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ title }),
    }).then(async (answer) => {
      if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`)
      answered = true
      done()
    }).catch(reject)
  })
}

function say(line) {
  process.stdout.write(JSON.stringify(line) + '\n')
}

await openAll()
say({ subscribers: total })
for await (const line of readline.createInterface({ input: process.stdin })) {
  const waits = await change(line.replace(/^change /, ''))
  const at = (part) => waits[Math.min(waits.length - 1, Math.floor(part * waits.length))]
  say({ p50_ms: at(0.5), p99_ms: at(0.99), max_ms: waits.at(-1) })
}
process.exit(0)
