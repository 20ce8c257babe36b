// Finds the number that, written behind a challenge, gives a SHA-256 (FIPS 180-4) with so many zero bits in front.
// Written out because the browser's own, made for long texts, takes ten times as long for one so short, and is not
// there without TLS.

const REPORT_EVERY = 20_000; // tries

// The first 32 bits of the fractions of the roots of the first primes (FIPS 180-4, 4.2.2 and 5.3.3).
const primes = [];
for (let number = 2; primes.length < 64; number += 1) {
  if (primes.every((prime) => number % prime)) primes.push(number);
}
const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
const K = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const W = new Int32Array(64);

const turn = (word, by) => (word >>> by) | (word << (32 - by));

// Takes 64 bytes into the state.
function compress(state, bytes, at) {
  for (let t = 0; t < 16; t += 1) {
    const i = at + 4 * t;
    W[t] = (bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3];
  }
  for (let t = 16; t < 64; t += 1) {
    const x = W[t - 15];
    const y = W[t - 2];
    const s0 = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
    const s1 = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
    W[t] = (W[t - 16] + s0 + W[t - 7] + s1) | 0;
  }
  // One by one: taken apart as a list they cost as much as the rest.
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let t = 0; t < 64; t += 1) {
    const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const one = (h + s1 + ((e & f) ^ (~e & g)) + K[t] + W[t]) | 0;
    const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

function find(challenge, bits, report) {
  const text = Uint8Array.from(challenge, (letter) => letter.charCodeAt(0)); // it is ASCII
  // What stands before the number in whole blocks is the same each time.
  const whole = text.length - (text.length % 64);
  const before = START.slice();
  for (let at = 0; at < whole; at += 64) compress(before, text, at);
  const rest = text.length - whole;
  const tail = new Uint8Array(128);
  const state = new Int32Array(8);
  for (let tries = 1; ; tries += 1) {
    const nonce = String(tries);
    const used = rest + nonce.length;
    const size = used + 9 <= 64 ? 64 : 128;
    tail.fill(0);
    tail.set(text.subarray(whole));
    for (let n = 0; n < nonce.length; n += 1) tail[rest + n] = nonce.charCodeAt(n);
    tail[used] = 0x80;
    const length = 8 * (whole + used);
    tail[size - 2] = length >>> 8;
    tail[size - 1] = length;
    state.set(before);
    for (let at = 0; at < size; at += 64) compress(state, tail, at);
    // There are never more bits than the first word has.
    if (state[0] >>> (32 - bits) === 0) return { tries, nonce };
    if (tries % REPORT_EVERY === 0) report({ tries });
  }
}

self.addEventListener("message", ({ data: { challenge, bits } }) => {
  self.postMessage(find(challenge, bits, (soFar) => self.postMessage(soFar)));
});
