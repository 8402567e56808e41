// Draws on the canvas, gives the model its 8 by 8 pixels after every stroke, and shows what it makes of them.

const SIDE = 8;
const paper = document.getElementById("paper");
const pen = paper.getContext("2d", { willReadFrequently: true });
const rows = [...Array(10).keys()].map((digit) => {
  const row = document.createElement("li");
  row.append(String(digit), document.createElement("div"), document.createElement("output"));
  document.getElementById("digits").append(row);
  return row;
});

const { instance } = await WebAssembly.instantiateStreaming(fetch("digits.wasm"));
const { memory, image, probabilities, recognise } = instance.exports;

/** The ink of each of the 64 squares of the canvas, from 0 to 1. */
function pixels() {
  const { data, width } = pen.getImageData(0, 0, paper.width, paper.height);
  const size = width / SIDE;
  return Float32Array.from({ length: SIDE * SIDE }, (_, square) => {
    const [top, left] = [Math.floor(square / SIDE) * size, (square % SIDE) * size];
    let ink = 0;
    for (let y = top; y < top + size; y += 1) {
      for (let x = left; x < left + size; x += 1) ink += data[(y * width + x) * 4 + 3];
    }
    return ink / (255 * size * size);
  });
}

function show() {
  new Float32Array(memory.buffer, image(), SIDE * SIDE).set(pixels());
  const best = recognise();
  const found = new Float32Array(memory.buffer, probabilities(), 10);
  rows.forEach((row, digit) => {
    row.classList.toggle("best", digit === best);
    row.children[0].style.width = `${found[digit] * 100}%`;
    row.children[1].value = `${(found[digit] * 100).toFixed(1)} %`;
  });
  document.getElementById("answer").textContent = `This is a ${best}.`;
}

function clear() {
  pen.clearRect(0, 0, paper.width, paper.height);
  rows.forEach((row) => {
    row.classList.remove("best");
    row.children[0].style.width = 0;
    row.children[1].value = "";
  });
  document.getElementById("answer").textContent = "";
}

let last = null;
const place = (event) => [event.offsetX, event.offsetY];

function stroke(to) {
  pen.lineWidth = 36;
  pen.lineCap = "round";
  pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink");
  pen.beginPath();
  pen.moveTo(...last);
  pen.lineTo(...to);
  pen.stroke();
  last = to;
}

paper.addEventListener("pointerdown", (event) => {
  paper.setPointerCapture(event.pointerId);
  last = place(event);
  stroke(last);
});
paper.addEventListener("pointermove", (event) => last && stroke(place(event)));
paper.addEventListener("pointerup", () => {
  last = null;
  show();
});
document.getElementById("clear").addEventListener("click", clear);
document.documentElement.dataset.ready = "true";
