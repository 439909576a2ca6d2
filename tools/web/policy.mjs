// The model's probabilities of the legal moves: boards through the encoder, the last plies through the GPT.

import { Position } from "./rules.mjs";

const NATURAL_LIMIT = 120, FIRST_SQUARE = 3, BOS = 1;

// The places of the 2,086 possible moves, by from * 90 + to.
export function possibleMoves() {
  const advisors = new Set([3, 5, 13, 21, 23]), elephants = new Set([2, 6, 18, 22, 26, 38, 42]);
  const places = new Map();
  for (let origin = 0; origin < 90; origin++) {
    for (let goal = 0; goal < 90; goal++) {
      const df = Math.abs((origin % 9) - (goal % 9));
      const dr = Math.abs(Math.floor(origin / 9) - Math.floor(goal / 9));
      const near = origin < 45 ? [origin, goal] : [89 - origin, 89 - goal];
      const possible =
        (df === 0) !== (dr === 0) || (df + dr === 3 && df * dr === 2) ||
        (df === 1 && dr === 1 && near.every((square) => advisors.has(square))) ||
        (df === 2 && dr === 2 && near.every((square) => elephants.has(square)));
      if (possible) places.set(origin * 90 + goal, places.size);
    }
  }
  return places;
}

const mirrorSquare = (square) => square - (square % 9) + 8 - (square % 9);

export class Policy {
  // *ort* is onnxruntime-web; *encoder* and *gpt* are sessions; *facts* come from the builder.
  constructor(ort, encoder, gpt, facts) {
    Object.assign(this, { ort, encoder, gpt, facts, known: new Map(), places: possibleMoves() });
  }

  // {moves, probs, value} after *moves*, played from *root*; the mean over the board and its mirror image.
  async ask(root, moves) {
    const line = [root];
    for (const move of moves) line.push(line[line.length - 1].after(move));
    const position = line[line.length - 1], legal = position.legalMoves();
    const straight = await this.run(line, moves, false);
    const turned = await this.run(line, moves, true);
    const probs = legal.map((move) => (this.share(straight, move, position.turn, false) +
      this.share(turned, move, position.turn, true)) / 2);
    const whole = probs.reduce((a, b) => a + b, 0);
    const value = straight.value.map((p, i) => (p + turned.value[i]) / 2);
    return { moves: legal, probs: probs.map((p) => p / whole), value, leak: 1 - whole };
  }

  share(output, move, turn, mirrored) {
    let origin = Math.floor(move / 90), goal = move % 90;
    if (mirrored) [origin, goal] = [mirrorSquare(origin), mirrorSquare(goal)];
    if (turn) [origin, goal] = [89 - origin, 89 - goal];
    return Math.exp(output.logprobs[FIRST_SQUARE + this.places.get(origin * 90 + goal)]);
  }

  async run(line, moves, mirrored) {
    const { width, channels, context_plies: size } = this.facts;
    const ply = moves.length, stride = Math.max(1, size - Math.floor(size / 2));
    const start = ply < size ? 0 : (Math.floor((ply - size) / stride) + 1) * stride;
    const encoded = [];
    for (const position of line.slice(start)) encoded.push(await this.encode(position, mirrored));
    const ids = [BOS];
    moves.slice(start).forEach((move, i) => {
      const turn = line[start + i].turn;
      for (let square of [Math.floor(move / 90), move % 90]) {
        if (mirrored) square = mirrorSquare(square);
        ids.push(FIRST_SQUARE + (turn ? 89 - square : square));
      }
    });
    const T = ids.length;
    const summary = new Float32Array(T * width), origin = new Float32Array(T * channels);
    for (let i = 0; i < T; i++) {
      const board = encoded[Math.floor(i / 2)];
      summary.set(board.summary, i * width);
      if (i % 2 === 1) { // a from square also carries the vector of its point
        const square = ids[i] - FIRST_SQUARE;
        origin.set(board.vectors.subarray(square * channels, (square + 1) * channels), i * channels);
      }
    }
    const big = (values) => BigInt64Array.from(values, BigInt);
    const tensor = (type, data, dims) => new this.ort.Tensor(type, data, dims);
    const output = await this.gpt.run({
      input_ids: tensor("int64", big(ids), [1, T]),
      slots: tensor("int64", big(ids.map((_, i) => (i === 0 ? 2 : (i - 1) % 2))), [1, T]),
      positions: tensor("int64", big(ids.map((_, i) => i)), [1, T]),
      summary: tensor("float32", summary, [1, T, width]),
      origin: tensor("float32", origin, [1, T, channels]),
      vectors: tensor("float32", encoded[encoded.length - 1].vectors, [1, 90, channels]),
    });
    return { logprobs: output.move_logprobs.data, value: Array.from(output.value.data) };
  }

  async encode(position, mirrored) {
    const key = position.key() + position.clock + mirrored;
    if (!this.known.has(key)) {
      let codes = Array.from(position.squares);
      if (mirrored) codes = codes.map((_, square) => position.squares[mirrorSquare(square)]);
      if (position.turn) codes = codes.reverse().map((code) => (code === 0 ? 0 : ((code + 6) % 14) + 1));
      const clock = Math.min(position.clock, NATURAL_LIMIT) / NATURAL_LIMIT;
      const output = await this.encoder.run({
        boards: new this.ort.Tensor("int64", BigInt64Array.from(codes, BigInt), [1, 90]),
        counters: new this.ort.Tensor("float32", Float32Array.of(position.turn, clock), [1, 2]),
      });
      if (this.known.size > 200) this.known.clear();
      this.known.set(key, { summary: output.summary.data, vectors: output.vectors.data });
    }
    return this.known.get(key);
  }
}

// The place of the move to play among *found.moves*: the likeliest at temperature 0, else a draw. Positions of the game
// are not repeated as long as the side to move is not losing.
export function choose(found, root, moves, temperature, random = Math.random) {
  const seen = new Set();
  let position = root;
  seen.add(position.key());
  for (const move of moves) seen.add((position = position.after(move)).key());
  const losing = found.value[0] + found.value[1] / 2 < 0.25;
  let allowed = found.moves.map(() => true);
  if (!losing && moves.length >= 4) {
    const fresh = found.moves.map((move) => !seen.has(position.after(move).key()));
    if (fresh.some(Boolean)) allowed = fresh;
  }
  const probs = found.probs.map((p, i) => (allowed[i] ? p : 0));
  if (temperature <= 0) return probs.indexOf(Math.max(...probs));
  const weights = probs.map((p) => p ** (1 / temperature));
  let left = random() * weights.reduce((a, b) => a + b, 0);
  const at = weights.findIndex((weight) => (left -= weight) < 0);
  return at < 0 ? probs.indexOf(Math.max(...probs)) : at;
}

// How a game stands: null while it goes on, else {winner: 0, 1 or null, reason}.
export function outcome(root, moves) {
  const counts = new Map();
  let position = root;
  const count = () => {
    const seen = (counts.get(position.key()) || 0) + 1;
    counts.set(position.key(), seen);
    return seen;
  };
  let seen = count();
  for (const move of moves) {
    position = position.after(move);
    seen = count();
  }
  if (!position.legalMoves().length) {
    return { winner: 1 - position.turn, reason: position.isCheck() ? "checkmate" : "stalemate" };
  }
  if (seen >= 3) return { winner: null, reason: "repetition" };
  if (position.clock >= NATURAL_LIMIT) return { winner: null, reason: "natural" };
  return null;
}
