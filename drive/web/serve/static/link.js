// The connection to the server: JSON both ways, pictures one way, and coming back after a loss.

const HEADER = 24;
const CODECS = { 1: "image/jpeg", 2: "image/webp" };
const REFUSED = 1008;
const TOO_MANY = 1013;

/** Where the server's WebSocket is, with the token of the page's own address. */
function address() {
  const url = new URL("ws", window.location.href);
  url.protocol = window.location.protocol === "https:" ? "wss:" : "ws:";
  url.hash = "";
  const token = new URLSearchParams(window.location.search).get("token");
  url.search = token === null ? "" : `?token=${encodeURIComponent(token)}`;
  return url;
}

/** What the header of a binary message says, and its picture as a Blob; null: not one of ours. */
export function readPicture(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength <= HEADER || view.getUint32(0) !== 0x44525631) return null; // "DRV1"
  const echo = view.getFloat64(8, true);
  return {
    step: view.getUint32(4, true),
    echo: Number.isNaN(echo) ? null : echo,
    level: view.getUint8(17),
    blob: new Blob([new Uint8Array(buffer, HEADER)], { type: CODECS[view.getUint8(16)] ?? "image/jpeg" }),
  };
}

export class Link {
  /** `hear` has a function for each type of message, and `picture`, `opened`, `lost(why, again)`. */
  constructor(hear) {
    this.hear = hear;
    this.wait = 500;
    this.open();
  }

  open() {
    const socket = new WebSocket(address());
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.wait = 500;
      this.hear.opened();
    });
    socket.addEventListener("message", ({ data }) => {
      if (data instanceof ArrayBuffer) {
        const picture = readPicture(data);
        if (picture) this.hear.picture(picture);
        return;
      }
      const message = JSON.parse(data);
      this.hear[message.type]?.(message);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      if (code === REFUSED) {
        this.hear.lost(reason || "The server refused this page: open the address that it printed.", false);
        return;
      }
      const full = code === TOO_MANY ? "The server has no place left. " : "";
      this.hear.lost(`${full}The connection is lost. Trying again.`, true);
      window.setTimeout(() => this.open(), this.wait);
      this.wait = Math.min(2 * this.wait, 8000);
    });
  }

  get ready() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Send a message, unless the connection is lost or stuck. Returns whether it went out. */
  send(type, values = {}) {
    if (!this.ready || this.socket.bufferedAmount > 65536) return false;
    this.socket.send(JSON.stringify({ type, ...values }));
    return true;
  }
}
