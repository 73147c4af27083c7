// A signaling relay as people write one with node-ws: rooms in a Map, JSON in, JSON out. It is what Tern's signaling is
// compared with, so it speaks as much of tern.v1 as the load generator needs, and does nothing to be slower or faster than
// it would be in an application: no tokens, limits, queues or replays.
//     node relay.js PORT SECRET
'use strict';
const crypto = require('crypto');
const http = require('http');
const { WebSocketServer } = require('ws');

const port = Number(process.argv[2]);
const secret = process.argv[3];
const rooms = new Map(); // name -> Map of id -> member

// ---- Credentials of the TURN REST API over HTTP

function iceServers(identity) {
  const ttl = 600;
  const expires = Math.floor(Date.now() / 1000) + ttl;
  const username = `${expires}:${identity}`;
  const credential = crypto.createHmac('sha1', secret).update(username).digest('base64');
  const urls = ['turn:127.0.0.1:3478?transport=udp'];
  return {
    iceServers: [{ urls: ['stun:127.0.0.1:3478'] }, { urls, username, credential }],
    ttl,
    expires_at: expires,
    username,
  };
}

function answer(response, status, body) {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

const server = http.createServer((request, response) => {
  const match = /^\/v1\/rooms\/([^/]+)\/credentials$/.exec(request.url);
  if (request.method !== 'POST' || !match) return answer(response, 404, { error: 'not found' });
  if (request.headers.authorization !== `Bearer ${secret}`) return answer(response, 401, { error: 'unauthorized' });
  let text = '';
  request.on('data', (chunk) => { text += chunk; });
  request.on('end', () => {
    try {
      answer(response, 201, iceServers(JSON.parse(text).identity));
    } catch {
      answer(response, 400, { error: 'bad request' });
    }
  });
});

// ---- Rooms over WebSocket

const wss = new WebSocketServer({ server, path: '/v1/signal', maxPayload: 65536 });

function send(member, message) {
  member.send(JSON.stringify(message));
}

function others(room, id) {
  return [...(rooms.get(room) || new Map())].filter(([other]) => other !== id).map(([, member]) => member);
}

function join(socket, message) {
  leave(socket);
  socket.id = crypto.randomBytes(16).toString('base64url');
  socket.room = message.room;
  if (!rooms.has(socket.room)) rooms.set(socket.room, new Map());
  rooms.get(socket.room).set(socket.id, socket);
  const participants = [...rooms.get(socket.room).keys()].map((id) => ({ id }));
  const joined = { type: 'joined', room: socket.room, self: socket.id, participants };
  if (message.ice !== false) joined.ice = iceServers(socket.id);
  send(socket, joined);
  for (const member of others(socket.room, socket.id)) {
    send(member, { type: 'participant-joined', room: socket.room, participant: { id: socket.id } });
  }
}

function leave(socket) {
  const members = rooms.get(socket.room);
  if (!members) return;
  members.delete(socket.id);
  if (members.size === 0) rooms.delete(socket.room);
  for (const member of others(socket.room, socket.id)) {
    send(member, { type: 'participant-left', room: socket.room, id: socket.id });
  }
  socket.room = undefined;
}

wss.on('connection', (socket) => {
  socket.isAlive = true;
  socket.on('pong', () => { socket.isAlive = true; });
  socket.on('message', (bytes) => {
    const message = JSON.parse(bytes);
    switch (message.type) {
      case 'hello':
        send(socket, { type: 'welcome', session: crypto.randomBytes(16).toString('base64url') });
        break;
      case 'join': join(socket, message); break;
      case 'signal': {
        const target = rooms.get(socket.room)?.get(message.to);
        if (target) send(target, { type: 'signal', room: socket.room, from: socket.id, data: message.data });
        break;
      }
      case 'broadcast': {
        const text = JSON.stringify({ type: 'broadcast', room: socket.room, from: socket.id, data: message.data });
        for (const member of others(socket.room, socket.id)) member.send(text);
        break;
      }
      case 'bye': socket.close(1000); break;
    }
  });
  socket.on('close', () => leave(socket));
});

// The heartbeat of the README of ws, at the pace of Tern's.
setInterval(() => {
  for (const socket of wss.clients) {
    if (!socket.isAlive) {
      socket.terminate();
      continue;
    }
    socket.isAlive = false;
    socket.ping();
  }
}, 25000);

server.listen(port, '127.0.0.1');
