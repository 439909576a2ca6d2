// The page: a board of SVG, the model's candidates, and who is to move. `window.xiangqi` is for scripts.

import { Position, moveText } from "./rules.mjs";
import { Policy, choose, outcome } from "./policy.mjs";

const TEXTS = {
  en: {
    title: "Play a language model at Xiangqi", new: "New game", undo: "Undo", side: "Change sides", hint: "Hint",
    strongest: "likeliest move", varied: "varied moves", loading: "Loading the model…", yours: "Your move.",
    check: "Check! Your move.", thinking: "The model is thinking…", failed: "The model could not be loaded: ",
    red: "Red wins: ", black: "Black wins: ", draw: "Draw: ", checkmate: "checkmate.", stalemate: "no legal move.",
    repetition: "the position occurred three times.", natural: "60 moves by each side without a capture.",
    about: "The model runs in this page; nothing leaves it. Its moves are the likeliest legal ones, without a search.",
    weights: "The weights are free for non-commercial use only.",
    value: (w, d, l) => `The side to move: win ${w} %, draw ${d} %, loss ${l} %`,
  },
  zh: {
    title: "和语言模型下象棋", new: "新局", undo: "悔棋", side: "换边", hint: "提示",
    strongest: "走最可能的着法", varied: "着法有变化", loading: "正在加载模型……", yours: "轮到您走棋。",
    check: "将军！轮到您走棋。", thinking: "模型正在思考……", failed: "模型加载失败：",
    red: "红胜：", black: "黑胜：", draw: "和棋：", checkmate: "将死。", stalemate: "困毙，无子可动。",
    repetition: "同一局面出现了三次。", natural: "双方各走 60 回合没有吃子。",
    about: "模型就在本页面里运行，不会上传任何数据。它直接走最可能的合法着法，不做搜索。",
    weights: "权重仅可免费用于非商业用途。",
    value: (w, d, l) => `走棋一方：胜 ${w} %，和 ${d} %，负 ${l} %`,
  },
};
const GLYPHS = " 帥仕相傌俥炮兵將士象馬車砲卒";
const byId = (id) => document.getElementById(id);
const store = { get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
  set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* private windows have no storage */ } } };

const state = { root: new Position(), moves: [], human: 0, chosen: -1, policy: null, busy: false, round: 0,
  found: null, hint: false, language: store.get("language") || (navigator.language.startsWith("zh") ? "zh" : "en"),
  error: "" };
const text = (key) => TEXTS[state.language][key];
const position = () => state.moves.reduce((at, move) => at.after(move), state.root);

// Fifteen bits in every character, behind one digit for the bytes that the last one holds.
function bytesOf(written) {
  const bytes = new Uint8Array(Number(written.slice(0, written.indexOf(":"))));
  let bits = 0, count = 0, at = 0;
  for (let i = written.indexOf(":") + 1; i < written.length; i++) {
    bits = (bits << 15) | (written.charCodeAt(i) - 0x3400);
    count += 15;
    while (count >= 8 && at < bytes.length) {
      count -= 8;
      bytes[at++] = (bits >> count) & 255;
    }
    bits &= (1 << count) - 1;
  }
  return bytes;
}

async function unpacked(name) {
  const stream = new Blob([bytesOf(window.XIANGQI_DATA[name])]).stream();
  delete window.XIANGQI_DATA[name];
  return new Uint8Array(await new Response(stream.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

async function load() {
  const runtime = window.ort;
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmBinary = (await unpacked("wasm")).buffer;
  runtime.env.wasm.wasmPaths = {
    mjs: URL.createObjectURL(new Blob([window.XIANGQI_GLUE], { type: "text/javascript" })), wasm: "unused.wasm",
  };
  const options = { executionProviders: ["wasm"], extra: { session: { disable_quant_qdq: "1" } } };
  const encoder = await runtime.InferenceSession.create(await unpacked("encoder"), options);
  const gpt = await runtime.InferenceSession.create(await unpacked("gpt"), options);
  state.policy = new Policy(runtime, encoder, gpt, window.XIANGQI_DATA.facts);
}

// The board as the person sees it: their own side is near.
function place(square) {
  const file = square % 9, rank = Math.floor(square / 9);
  return state.human ? [850 - file * 100, 50 + rank * 100] : [50 + file * 100, 950 - rank * 100];
}

function element(name, attributes, content = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = content;
  return made;
}

function lines() {
  let path = "";
  for (let rank = 0; rank < 10; rank++) path += `M50 ${50 + rank * 100}H850`;
  for (let file = 0; file < 9; file++) {
    const x = 50 + file * 100;
    path += file % 8 ? `M${x} 50V450M${x} 550V950` : `M${x} 50V950`;
  }
  for (const y of [50, 750]) path += `M350 ${y}l200 200M550 ${y}l-200 200`;
  return path;
}

function drawBoard() {
  const board = byId("board"), at = position(), last = state.moves[state.moves.length - 1];
  board.replaceChildren(element("path", { d: lines(), class: "lines" }),
    element("text", { x: 250, y: 500, class: "river" }, "楚 河"), element("text", { x: 650, y: 500, class: "river" }, "漢 界"));
  at.squares.forEach((code, square) => {
    if (!code) return;
    const [x, y] = place(square);
    const group = element("g", { class: `piece ${code > 7 ? "black" : "red"}${square === state.chosen ? " chosen" : ""}`,
      transform: `translate(${x} ${y})` });
    group.append(element("circle", { r: 44 }), element("text", { y: 2 }, GLYPHS[code]));
    group.addEventListener("click", () => click(square));
    board.append(group);
  });
  if (last !== undefined) {
    for (const square of [Math.floor(last / 90), last % 90]) {
      const [cx, cy] = place(square);
      board.append(element("circle", { cx, cy, r: 47, class: "last" }));
    }
  }
  if (state.chosen >= 0) {
    for (const move of at.legalMoves()) {
      if (Math.floor(move / 90) !== state.chosen) continue;
      const [cx, cy] = place(move % 90);
      const dot = element("circle", { cx, cy, r: 16, class: "goal" });
      dot.addEventListener("click", () => click(move % 90));
      board.append(dot);
    }
  }
  if (state.hint && state.found) {
    for (const i of ranked(state.found).slice(0, 3)) {
      const move = state.found.moves[i], [x1, y1] = place(Math.floor(move / 90)), [x2, y2] = place(move % 90);
      board.append(element("line", { x1, y1, x2, y2, class: "arrow", "stroke-width": 6 + 24 * state.found.probs[i] }));
    }
  }
}

const ranked = (found) => found.probs.map((_, i) => i).sort((a, b) => found.probs[b] - found.probs[a]);

function drawPanel() {
  document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
  for (const each of document.querySelectorAll("[data-text]")) each.textContent = text(each.dataset.text);
  const end = outcome(state.root, state.moves), at = position();
  let status = state.busy ? text("thinking") : at.isCheck() ? text("check") : text("yours");
  if (end) status = text(end.winner === null ? "draw" : ["red", "black"][end.winner]) + text(end.reason);
  if (!state.policy) status = state.error ? text("failed") + state.error : text("loading");
  byId("status").textContent = status;
  const rows = state.hint && state.found ? ranked(state.found).slice(0, 5) : [];
  byId("candidates").replaceChildren(...rows.map((i) => {
    const row = document.createElement("tr"), percent = (100 * state.found.probs[i]).toFixed(1);
    row.innerHTML = `<td>${moveText(state.found.moves[i])}</td><td>${percent} %</td><td class="bar"><div></div></td>`;
    row.querySelector("div").style.width = `${percent}%`;
    return row;
  }));
  const shares = state.hint && state.found ? state.found.value.map((p) => Math.round(100 * p)) : null;
  byId("value").textContent = shares ? text("value")(...shares) : "";
  byId("moves").textContent = state.moves.map((move, i) => (i % 2 ? "" : `${i / 2 + 1}. `) + moveText(move)).join(" ");
  byId("moves").scrollTop = byId("moves").scrollHeight;
  byId("undo").disabled = !state.moves.length;
  byId("hint").disabled = !state.policy || state.busy || Boolean(end);
}

function draw() {
  drawBoard();
  drawPanel();
}

function play(move) {
  if (!position().legalMoves().includes(move)) throw new Error(`${moveText(move)} is not legal`);
  Object.assign(state, { moves: [...state.moves, move], chosen: -1, found: null, hint: false });
}

function click(square) {
  const at = position();
  if (state.busy || !state.policy || at.turn !== state.human || outcome(state.root, state.moves)) return;
  const move = state.chosen * 90 + square;
  if (state.chosen >= 0 && at.legalMoves().includes(move)) {
    play(move);
    answer();
  } else {
    const code = at.squares[square];
    state.chosen = code && (code > 7) === (at.turn === 1) ? square : -1;
  }
  draw();
}

// The model moves where it is its turn.
async function answer() {
  const round = ++state.round;
  if (!state.policy || position().turn === state.human || outcome(state.root, state.moves)) {
    state.busy = false;
    return draw();
  }
  state.busy = true;
  draw();
  await new Promise((done) => setTimeout(done, 30)); // the page is painted first
  const found = await state.policy.ask(state.root, state.moves);
  if (round !== state.round) return; // another game, or a move taken back
  play(found.moves[choose(found, state.root, state.moves, Number(byId("temperature").value))]);
  state.busy = false;
  draw();
}

function startGame(human) {
  Object.assign(state, { moves: [], human, chosen: -1, found: null, hint: false });
  answer();
}

byId("new").onclick = () => startGame(state.human);
byId("side").onclick = () => { state.human = 1 - state.human; Object.assign(state, { chosen: -1, found: null, hint: false }); answer(); };
byId("undo").onclick = () => {
  const back = position().turn === state.human ? 2 : 1;
  Object.assign(state, { moves: state.moves.slice(0, Math.max(0, state.moves.length - back)), chosen: -1, found: null, hint: false });
  answer();
};
byId("hint").onclick = async () => {
  const round = state.round;
  const found = await state.policy.ask(state.root, state.moves);
  if (round !== state.round || state.busy) return;
  Object.assign(state, { found, hint: true });
  draw();
};
byId("language").value = state.language;
byId("language").onchange = (event) => { store.set("language", state.language = event.target.value); draw(); };

draw();
const ready = load().catch((error) => { state.error = error.message || String(error); throw error; });
ready.then(() => answer(), () => draw());

window.xiangqi = {
  ready, state, click,
  // The model plays both sides at temperature 0, at most *plies* plies: the moves, and how the game ended.
  async selfPlay(plies) {
    await ready;
    let moves = [];
    while (moves.length < plies && !outcome(state.root, moves)) {
      const found = await state.policy.ask(state.root, moves);
      moves = [...moves, found.moves[choose(found, state.root, moves, 0)]];
    }
    return { moves: moves.map(moveText), outcome: outcome(state.root, moves) };
  },
};
