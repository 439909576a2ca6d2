// The rules of Xiangqi: FEN, legal moves, perft. Checked by perft against the rules of the package.
// Squares are rank * 9 + file, from Red's left and side; pieces 1-7 are Red's king, advisor, elephant, horse, rook,
// cannon and pawn, 8-14 Black's; a move is from * 90 + to.

export const START = "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR w - - 0 1";
const LETTERS = " KABNRCPkabnrcp";
const KING = 1, ADVISOR = 2, ELEPHANT = 3, HORSE = 4, CANNON = 6, PAWN = 7;
const STRAIGHT = [[0, 1], [0, -1], [1, 0], [-1, 0]];
const DIAGONAL = [[1, 1], [1, -1], [-1, 1], [-1, -1]];

export function squareName(square) {
  return "abcdefghi"[square % 9] + Math.floor(square / 9);
}

export function moveText(move) {
  return squareName(Math.floor(move / 90)) + squareName(move % 90);
}

export class Position {
  constructor(fen = START) {
    const [rows, side, , , clock] = fen.split(" ");
    this.squares = new Uint8Array(90);
    rows.split("/").forEach((row, i) => {
      let file = 0;
      for (const letter of row) {
        if (/\d/.test(letter)) file += Number(letter);
        else this.squares[(9 - i) * 9 + file++] = LETTERS.indexOf(letter);
      }
    });
    this.turn = side === "b" ? 1 : 0;
    this.clock = Number(clock) || 0; // plies since the last capture
  }

  after(move) {
    const made = Object.create(Position.prototype);
    const origin = Math.floor(move / 90), goal = move % 90;
    made.squares = this.squares.slice();
    made.clock = this.squares[goal] ? 0 : this.clock + 1;
    made.squares[goal] = made.squares[origin];
    made.squares[origin] = 0;
    made.turn = 1 - this.turn;
    return made;
  }

  // What a repetition compares.
  key() {
    return this.turn + String.fromCharCode(...this.squares.map((code) => code + 48));
  }

  legalMoves() {
    const moves = this.reach(this.turn).filter((move) => !this.after(move).canTakeKing());
    return moves.sort((a, b) => a - b);
  }

  isCheck() {
    const other = Object.create(Position.prototype);
    Object.assign(other, { squares: this.squares, turn: 1 - this.turn, clock: this.clock });
    return other.canTakeKing();
  }

  // Whether the side to move could take the other king, along an open file included.
  canTakeKing() {
    const king = KING + 7 * (1 - this.turn);
    if (this.reach(this.turn).some((move) => this.squares[move % 90] === king)) return true;
    const red = this.squares.indexOf(KING), black = this.squares.indexOf(KING + 7);
    if (red % 9 !== black % 9) return false;
    for (let square = Math.min(red, black) + 9; square < Math.max(red, black); square += 9) {
      if (this.squares[square]) return false;
    }
    return true;
  }

  reach(turn) {
    const moves = [];
    for (let origin = 0; origin < 90; origin++) {
      const code = this.squares[origin];
      if (code && (code > 7) === (turn === 1)) this.addGoals(moves, origin, ((code - 1) % 7) + 1, turn);
    }
    return moves;
  }

  at(file, rank) {
    return file >= 0 && file < 9 && rank >= 0 && rank < 10 ? this.squares[rank * 9 + file] : -1;
  }

  addGoals(moves, origin, kind, turn) {
    const file = origin % 9, rank = Math.floor(origin / 9);
    const add = (f, r) => {
      const code = this.at(f, r);
      if (code === 0 || (code > 0 && (code > 7) !== (turn === 1))) moves.push(origin * 90 + r * 9 + f);
    };
    const depth = (r) => (turn ? 9 - r : r);
    if (kind === KING || kind === ADVISOR) {
      for (const [df, dr] of kind === KING ? STRAIGHT : DIAGONAL) {
        const inside = file + df >= 3 && file + df <= 5 && depth(rank + dr) >= 0 && depth(rank + dr) <= 2;
        if (inside) add(file + df, rank + dr);
      }
    } else if (kind === ELEPHANT) {
      for (const [df, dr] of DIAGONAL) {
        if (depth(rank + 2 * dr) <= 4 && this.at(file + df, rank + dr) === 0) add(file + 2 * df, rank + 2 * dr);
      }
    } else if (kind === HORSE) {
      for (const [df, dr] of STRAIGHT) {
        if (this.at(file + df, rank + dr) !== 0) continue;
        for (const side of [1, -1]) add(file + 2 * df + side * dr, rank + 2 * dr + side * df);
      }
    } else if (kind === PAWN) {
      add(file, rank + (turn ? -1 : 1));
      if (depth(rank) >= 5) {
        add(file - 1, rank);
        add(file + 1, rank);
      }
    } else {
      for (const [df, dr] of STRAIGHT) {
        let screens = 0;
        for (let f = file + df, r = rank + dr, code; (code = this.at(f, r)) >= 0; f += df, r += dr) {
          if (code === 0) {
            if (screens === 0) add(f, r);
          } else if (++screens === (kind === CANNON ? 2 : 1)) {
            add(f, r);
            break;
          }
        }
      }
    }
  }
}

export function perft(position, depth) {
  const moves = position.legalMoves();
  if (depth === 1) return moves.length;
  return moves.reduce((sum, move) => sum + perft(position.after(move), depth - 1), 0);
}
