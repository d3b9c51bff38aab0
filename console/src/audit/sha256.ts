/** SHA-256 (FIPS 180-4), here because browsers lend theirs to pages with TLS alone. Pure. */

const WORDS = 64
const BLOCK = 64

/** The fractional parts of roots of the first primes, which the standard takes for constants (4.2.2, 5.3.3). */
function constants(): { round: Uint32Array; start: Uint32Array } {
  const primes: number[] = []
  for (let at = 2; primes.length < WORDS; at += 1) if (primes.every((prime) => at % prime !== 0)) primes.push(at)
  const part = (root: number) => (root - Math.floor(root)) * 2 ** 32
  return {
    round: Uint32Array.from(primes, (prime) => part(Math.cbrt(prime))),
    start: Uint32Array.from(primes.slice(0, 8), (prime) => part(Math.sqrt(prime))),
  }
}

const { round: ROUND, start: START } = constants()

/** The digest of some bytes, in hex. */
export function sha256(bytes: Uint8Array): string {
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / BLOCK) * BLOCK)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor((bytes.length * 8) / 2 ** 32))
  view.setUint32(padded.length - 4, bytes.length * 8)
  const state = Uint32Array.from(START)
  const schedule = new Uint32Array(WORDS)
  for (let at = 0; at < padded.length; at += BLOCK) {
    for (let word = 0; word < 16; word += 1) schedule[word] = view.getUint32(at + word * 4)
    block(state, schedule)
  }
  return Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('')
}

const turned = (word: number, by: number) => (word >>> by) | (word << (32 - by))

function block(state: Uint32Array, schedule: Uint32Array): void {
  const of = (words: Uint32Array, at: number) => words[at] as number
  for (let at = 16; at < WORDS; at += 1) {
    const [early, late] = [of(schedule, at - 15), of(schedule, at - 2)]
    const first = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3)
    const second = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10)
    schedule[at] = of(schedule, at - 16) + first + of(schedule, at - 7) + second
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number]
  for (let at = 0; at < WORDS; at += 1) {
    const choice = (e & f) ^ (~e & g)
    const sum = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)
    const one = (h + sum + choice + of(ROUND, at) + of(schedule, at)) | 0
    const most = (a & b) ^ (a & c) ^ (b & c)
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + most) | 0
    ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0]
  }
  for (const [at, word] of [a, b, c, d, e, f, g, h].entries()) state[at] = of(state, at) + word
}
