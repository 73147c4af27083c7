// Debian's node-ws holds the conversation of tern.v1, and shows what belongs to the WebSocket beneath it: pings,
// fragments, close codes, compression.
//
// Usage: node ws_client.js TURNSERVER.CONF plain|deflate
'use strict';

const assert = require('assert').strict;
const crypto = require('crypto');
const fs = require('fs');
const WebSocket = require('ws');

const [path, mode] = process.argv.slice(2);
const options = Object.fromEntries(
    fs.readFileSync(path, 'utf8').split('\n').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
const [keyId, key] = options['signaling-api-key'].split(':');
const url = `ws://${options['listening-ip']}:${options['signaling-port']}/v1/signal`;

function token() {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { iss: keyId, room: 'den', exp: Math.floor(Date.now() / 1000) + 600 };
    const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
    return `${text}.${crypto.createHmac('sha256', key).update(text).digest('base64url')}`;
}

/// A promise that does not stay open.
function soon(promise, what) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${what}: not within five seconds`)), 5000);
        promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
}

/// A connection whose messages wait until somebody asks for them.
class Client {
    static open(more = {}) {
        const client = new Client();
        client.socket = new WebSocket(url, 'tern.v1', more);
        client.texts = [];
        client.frames = [];
        client.socket.on('upgrade', (response) => {
            client.response = response;
            // Whether a frame was compressed is to be seen in its first bytes alone.
            response.socket.on('data', (data) => client.frames.push(Buffer.from(data)));
        });
        client.socket.on('message', (data, isBinary) => {
            assert.equal(isBinary, false);
            client.texts.push(data.toString());
            client.wake?.();
        });
        client.closed = new Promise((resolve) => {
            client.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
        });
        client.socket.on('error', (error) => { client.error = error; });
        const opened = new Promise((resolve, reject) => {
            client.socket.on('open', () => resolve(client));
            client.socket.on('unexpected-response', (_, response) => reject(new Error(`HTTP ${response.statusCode}`)));
        });
        return soon(opened, 'open');
    }

    send(message) { this.socket.send(typeof message === 'string' ? message : JSON.stringify(message)); }

    async next(type) {
        if (this.texts.length === 0) await soon(new Promise((resolve) => { this.wake = resolve; }), type);
        const text = this.texts.shift();
        const message = JSON.parse(text);
        assert.equal(message.type, type, text);
        message.text = text;
        return message;
    }

    static async joined(more) {
        const client = await Client.open(more);
        client.send({ type: 'hello', v: 1, token: token() });
        client.welcome = await client.next('welcome');
        client.send({ type: 'join', id: 'j', room: 'den' });
        client.seat = await client.next('joined');
        client.id = client.seat.self;
        assert.equal((await client.next('ok')).id, 'j');
        return client;
    }

    async bye() {
        this.send({ type: 'bye' });
        const { code } = await soon(this.closed, 'close');
        assert.equal(code, 1000);
    }
}

async function pair(more) {
    const first = await Client.joined(more);
    const second = await Client.joined(more);
    await first.next('participant-joined');
    return [first, second];
}

const cases = {
    async conversation() {
        const [first, second] = await pair();
        assert.equal(first.socket.protocol, 'tern.v1');
        assert.deepEqual(second.seat.participants.map((person) => person.id), [first.id, second.id]);
        assert.match(second.seat.ice.iceServers[1].username, /^\d{10}:tern\.\d+\.m-/);
        const data = '{"sdp":"v=0\\r\\n", "n":1.0e+2,"é":"\\u00e9"}';
        first.send(`{"type":"signal","id":1,"room":"den","to":"${second.id}","data":${data}}`);
        assert.equal((await first.next('ok')).id, 1);
        const signal = await second.next('signal');
        assert.equal(signal.text, `{"type":"signal","room":"den","from":"${first.id}","data":${data}}`);
        for (let number = 0; number < 100; number++) second.send({ type: 'broadcast', room: 'den', data: number });
        for (let number = 0; number < 100; number++) assert.equal((await first.next('broadcast')).data, number);
        second.send({ type: 'update', room: 'den', meta: { mic: false } });
        assert.deepEqual((await first.next('participant-updated')).participant.meta, { mic: false });
        second.send({ type: 'credentials', id: 2, room: 'den', reason: 'ice-restart' });
        assert.equal((await second.next('credentials')).ttl, 600);
        await second.next('ok');
        second.send({ type: 'signal', id: 3, room: 'attic', to: first.id, data: 1 });
        assert.equal((await second.next('error')).code, 'not_in_room');
        await second.bye();
        const left = await first.next('participant-left');
        assert.deepEqual([left.id, left.reason], [second.id, 'left']);
        await first.bye();
    },

    async pings() {
        const client = await Client.joined();
        for (const data of ['', 'x', 'y'.repeat(125)]) {
            const pong = new Promise((resolve) => { client.socket.once('pong', resolve); });
            client.socket.ping(data);
            assert.equal((await soon(pong, 'pong')).toString(), data);
        }
        await client.bye();
    },

    async fragments() {
        const [first, second] = await pair();
        const text = `{"type":"broadcast","room":"den","data":"${'é😀'.repeat(500)}"}`;
        const bytes = Buffer.from(text);
        // In 60 pieces that cut through characters, with pings between them.
        const size = Math.ceil(bytes.length / 60);
        for (let at = 0; at < bytes.length; at += size) {
            first.socket.send(bytes.subarray(at, at + size), { binary: false, fin: at + size >= bytes.length });
            if (at % (size * 7) === 0) first.socket.ping('between');
        }
        assert.equal((await second.next('broadcast')).data, 'é😀'.repeat(500));
        // One of any number of pieces, empty ones even, has no end that would be waited for.
        for (let number = 0; number < 100; number++) first.socket.send('', { binary: false, fin: false });
        assert.equal((await soon(first.closed, 'close')).code, 1009);
        await second.bye();
    },

    async closes() {
        for (const [code, reason] of [[1000, ''], [1001, 'going'], [3000, 'x'.repeat(123)], [4999, 'é']]) {
            const client = await Client.joined();
            client.socket.close(code, reason);
            assert.equal((await soon(client.closed, 'close')).code, code);
        }
        const binary = await Client.joined();
        binary.socket.send(Buffer.from('{"type":"ping"}'));
        assert.equal((await soon(binary.closed, 'close')).code, 1003);
        const large = await Client.joined();
        large.send(`{"type":"ping","pad":"${'x'.repeat(65536)}"}`);
        assert.equal((await soon(large.closed, 'close')).code, 1009);
        const early = await Client.open();
        early.send({ type: 'join', room: 'den', token: token() });
        assert.equal((await early.next('error')).fatal, true);
        assert.equal((await soon(early.closed, 'close')).code, 4001);
        await assert.rejects(Client.open({ origin: 'https://elsewhere.example' }), /HTTP 403/);
    },

    async compression() {
        const offers = { perMessageDeflate: { threshold: 0, clientNoContextTakeover: true } };
        const [first, second] = await pair(offers);
        const extensions = first.response.headers['sec-websocket-extensions'];
        if (mode === 'plain') {
            assert.equal(extensions, undefined);
        } else {
            assert.match(extensions, /^permessage-deflate/);
            assert.match(extensions, /server_no_context_takeover/);
        }
        // In both directions, twice, so that a context that was kept would show.
        const data = 'candidate '.repeat(3000);
        for (let number = 0; number < 2; number++) {
            first.send({ type: 'broadcast', room: 'den', data });
            const before = second.frames.length;
            assert.equal((await second.next('broadcast')).data, data);
            const received = Buffer.concat(second.frames.slice(before > 0 ? before - 1 : 0));
            if (mode === 'deflate') assert.ok(received.length < 3000, `${received.length} bytes`);
            else assert.ok(Buffer.concat(second.frames).length > data.length);
        }
        const short = 'x'.repeat(10);
        second.send({ type: 'broadcast', room: 'den', data: short });
        assert.equal((await first.next('broadcast')).data, short);
        // Credentials are never compressed beside what somebody else chose (the attacks CRIME and BREACH).
        assert.ok(Buffer.concat(first.frames).includes('"credential":"'), 'credentials are not to be compressed');
        if (mode === 'deflate') {
            // A small frame that inflates to more than a message may be.
            first.send({ type: 'broadcast', room: 'den', data: 'a'.repeat(5_000_000) });
            assert.equal((await soon(first.closed, 'close')).code, 1009);
        }
        await second.bye();
    },
};

(async () => {
    const failures = [];
    for (const [name, run] of Object.entries(cases)) {
        await run().catch((error) => failures.push(`${name}: ${error.stack.split('\n').slice(0, 6).join(' ')}`));
    }
    const version = require('ws/package.json').version;
    console.log(`node-ws ${version}, ${mode}: ${Object.keys(cases).length} cases, ${failures.length} failed`);
    for (const failure of failures) console.log(failure);
    process.exit(failures.length === 0 ? 0 : 1);
})();
