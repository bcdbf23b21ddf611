/**
 * Drawn camera pictures: a shop's aisle, a till, a back door, a stock room. Simple shapes in the light and grain of a
 * cheap camera, so that the page can be judged with pictures in it.
 *
 * @import { Page } from "playwright-core"
 */

import { SCENES } from "./world.js";

/**
 * One JPEG for each scene and step, drawn by the browser.
 *
 * @param {Page} page
 * @returns {Promise<(id: string) => Buffer>} the picture of an alert
 */
export async function drawScenes(page) {
  const drawn = await page.evaluate(draw, SCENES);
  const bytes = drawn.map((scene) => scene.map((base64) => Buffer.from(base64, "base64")));
  return (id) => {
    const number = Number(id) || 0;
    const scene = bytes[Math.floor(number / 100) % bytes.length] ?? [];
    return scene[number % scene.length] ?? Buffer.alloc(0);
  };
}

/**
 * One green picture of 640 x 360 for every alert whose number does not end in 99; those have none.
 *
 * @param {Page} page
 * @returns {Promise<(id: string) => Buffer | null>}
 */
export async function drawPlain(page) {
  const base64 = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = 640;
    canvas.height = 360;
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    pen.fillStyle = "rgb(0 200 0)";
    pen.fillRect(0, 0, 640, 360);
    return canvas.toDataURL("image/jpeg", 0.9).split(",")[1] ?? "";
  });
  const bytes = Buffer.from(base64, "base64");
  return (id) => (id.endsWith("99") ? null : bytes);
}

/** @param {string[]} scenes @returns {string[][]} */
function draw(scenes) {
  const steps = 6;
  const canvas = document.createElement("canvas");
  canvas.width = 1280;
  canvas.height = 720;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

  /** @param {number[][]} points @param {string} colour */
  const shape = (points, colour) => {
    pen.beginPath();
    for (const [x = 0, y = 0] of points) pen.lineTo(x, y);
    pen.closePath();
    pen.fillStyle = colour;
    pen.fill();
  };

  /** @param {number} x @param {number} y @param {number} height @param {string} coat @param {number} lean */
  const person = (x, y, height, coat, lean) => {
    const unit = height / 8;
    pen.fillStyle = "rgba(0,0,0,.25)";
    pen.beginPath();
    pen.ellipse(x, y, unit * 1.6, unit * 0.35, 0, 0, 7);
    pen.fill();
    shape([[x - unit * 0.8, y - unit * 3.8], [x + unit * 0.8, y - unit * 3.8], [x + unit * 0.75, y], [x + unit * 0.12, y], [x, y - unit * 2.6], [x - unit * 0.15, y], [x - unit * 0.75, y]], "#2c3038");
    shape([[x - unit * 1.1 + lean, y - unit * 6.5], [x + unit * 1.1 + lean, y - unit * 6.5], [x + unit, y - unit * 3.5], [x - unit, y - unit * 3.5]], coat);
    pen.strokeStyle = coat;
    pen.lineWidth = unit * 0.55;
    pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(x + unit + lean, y - unit * 6.1);
    pen.lineTo(x + unit * 2 + lean, y - unit * 5);
    pen.lineTo(x + unit * 2.5 + lean, y - unit * 5.6);
    pen.stroke();
    pen.fillStyle = "#b58b6f";
    pen.beginPath();
    pen.ellipse(x + lean * 1.2, y - unit * 7.2, unit * 0.55, unit * 0.7, 0, 0, 7);
    pen.fill();
    pen.fillStyle = "#3a2e28";
    pen.beginPath();
    pen.ellipse(x + lean * 1.2, y - unit * 7.5, unit * 0.58, unit * 0.45, 0, Math.PI, 0);
    pen.fill();
  };

  /** @param {number} side @param {number} seed */
  const shelf = (side, seed) => {
    const edge = side < 0 ? 0 : 1280;
    shape([[edge, 40], [640 + side * 150, 250], [640 + side * 150, 470], [edge, 720]], "#59616b");
    for (let row = 0; row < 5; row += 1) {
      for (let slot = 0; slot < 13; slot += 1) {
        const near = Math.pow(slot / 13, 1.5);
        const x = 640 + side * (150 + near * 480);
        const top = 250 - near * 205 + row * (44 + near * 92);
        const width = 12 + near * 46;
        const height = (28 + near * 68) * (0.62 + ((seed * 7 + slot * 13 + row * 29) % 10) / 28);
        const hue = (seed * 53 + slot * 47 + row * 83) % 360;
        pen.fillStyle = `hsl(${hue} 32% ${44 - near * 6}%)`;
        pen.fillRect(side < 0 ? x - width : x, top + (38 + near * 82) - height, width - 3, height);
      }
      shape([[640 + side * 150, 294 + row * 44], [edge, 40 + 132 + row * 137], [edge, 40 + 142 + row * 137], [640 + side * 150, 297 + row * 44]], "#2f353d");
    }
  };

  const grain = () => {
    const image = pen.getImageData(0, 0, 1280, 720);
    let seed = 7;
    for (let at = 0; at < image.data.length; at += 4) {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
      const noise = ((seed >> 16) % 22) - 11;
      for (let channel = 0; channel < 3; channel += 1) {
        const value = image.data[at + channel] ?? 0;
        image.data[at + channel] = value * 0.9 + 8 + noise;
      }
    }
    pen.putImageData(image, 0, 0);
    const shade = pen.createRadialGradient(640, 340, 260, 640, 380, 820);
    shade.addColorStop(0, "rgba(0,0,0,0)");
    shade.addColorStop(1, "rgba(0,0,0,.55)");
    pen.fillStyle = shade;
    pen.fillRect(0, 0, 1280, 720);
    pen.fillStyle = "rgba(255,255,255,.82)";
    pen.font = "20px monospace";
    pen.fillText("CAM", 24, 40);
  };

  /** @type {Record<string, (step: number) => void>} */
  const paint = {
    aisle(step) {
      shape([[0, 0], [1280, 0], [1280, 720], [0, 720]], "#8d9298");
      shape([[490, 470], [790, 470], [1280, 720], [0, 720]], "#b9b6ae");
      shape([[490, 250], [790, 250], [790, 470], [490, 470]], "#767d86");
      shape([[420, 0], [860, 0], [790, 250], [490, 250]], "#d5d8da");
      for (let lamp = 0; lamp < 3; lamp += 1) shape([[590 - lamp * 18, 200 - lamp * 78], [690 + lamp * 18, 200 - lamp * 78], [696 + lamp * 22, 176 - lamp * 84], [584 - lamp * 22, 176 - lamp * 84]], "#fbfcf6");
      shelf(-1, 3);
      shelf(1, 8);
      person(760, 480, 170, "#6c5a45", 0);
      person(590 + step * 5, 600, 390, "#39506e", 4 + step * 3);
    },
    till(step) {
      shape([[0, 0], [1280, 0], [1280, 720], [0, 720]], "#a6a196");
      shape([[0, 420], [1280, 330], [1280, 720], [0, 720]], "#c9c3b6");
      shape([[120, 470], [820, 400], [900, 560], [160, 660]], "#6b5238");
      shape([[160, 660], [900, 560], [900, 640], [170, 720]], "#4b3925");
      shape([[330, 350], [470, 336], [480, 440], [340, 456]], "#23272d");
      shape([[342, 362], [458, 350], [464, 420], [350, 434]], "#7fa3b8");
      for (let box = 0; box < 7; box += 1) shape([[880 + box * 54, 120], [926 + box * 54, 116], [926 + box * 54, 250], [880 + box * 54, 256]], `hsl(${box * 51} 30% 45%)`);
      person(560, 470, 330, "#7b2f37", 0);
      person(960 + step * 6, 640, 430, "#4d5a46", -8 - step * 4);
    },
    door(step) {
      shape([[0, 0], [1280, 0], [1280, 720], [0, 720]], "#262b33");
      shape([[0, 520], [1280, 500], [1280, 720], [0, 720]], "#33383f");
      shape([[460, 110], [770, 104], [774, 540], [456, 548]], "#474e58");
      shape([[480, 130], [752, 126], [754, 530], [478, 536]], "#141820");
      const light = pen.createRadialGradient(620, 90, 10, 620, 300, 480);
      light.addColorStop(0, "rgba(255,236,190,.75)");
      light.addColorStop(1, "rgba(255,236,190,0)");
      pen.fillStyle = light;
      pen.fillRect(0, 0, 1280, 720);
      person(610 + step * 6, 600, 380, "#1b1f27", 6);
    },
    stock(step) {
      shape([[0, 0], [1280, 0], [1280, 720], [0, 720]], "#7a746a");
      shape([[0, 480], [1280, 480], [1280, 720], [0, 720]], "#928b80");
      for (let stack = 0; stack < 9; stack += 1) {
        for (let box = 0; box < 2 + ((stack * 5) % 3); box += 1) {
          const x = 30 + stack * 140;
          const y = 500 - box * 104;
          shape([[x, y - 100], [x + 122, y - 104], [x + 124, y], [x, y + 4]], `hsl(32 ${24 + ((stack * 11 + box * 7) % 14)}% ${40 + ((stack * 7 + box * 5) % 12)}%)`);
          shape([[x + 52, y - 102], [x + 68, y - 102], [x + 68, y + 2], [x + 52, y + 2]], "rgba(220,205,170,.5)");
        }
      }
      person(560 + step * 8, 650, 400, "#5b4a6d", 10);
    },
  };

  return scenes.map((scene) =>
    Array.from({ length: steps }, (_, step) => {
      paint[scene]?.(step);
      grain();
      return canvas.toDataURL("image/jpeg", 0.8).split(",")[1] ?? "";
    }),
  );
}
