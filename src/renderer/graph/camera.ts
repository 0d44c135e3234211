import type { Box } from './scene/scene.ts'

/** Where the drawing lies on the screen: screen = drawing · scale + offset, in CSS px. */
export interface Camera {
  readonly scale: number
  readonly x: number
  readonly y: number
}

export interface Size {
  readonly width: number
  readonly height: number
}

/** Largest scale; 1 is the size cards are drawn for. */
export const MAX_SCALE = 4
/** Scale at which cards are read when a graph is opened or a layer looked up. */
const READING_SCALE = 0.9
/** A graph that would have to be smaller than this to fit is opened at its top instead. */
const MIN_OPENING_SCALE = 0.6
const MARGIN = 24

/** The part of the drawing that is seen. */
export function visibleBox(camera: Camera, size: Size): Box {
  return {
    x: -camera.x / camera.scale,
    y: -camera.y / camera.scale,
    width: size.width / camera.scale,
    height: size.height / camera.scale,
  }
}

/** Smallest scale of a drawing: all of it, with as much again around it. */
export function minScale(drawing: Size, size: Size): number {
  return Math.min(0.2, fitScale(drawing, size) / 2)
}

function fitScale(drawing: Size, size: Size): number {
  const across = Math.max(1, size.width - 2 * MARGIN) / Math.max(1, drawing.width)
  const down = Math.max(1, size.height - 2 * MARGIN) / Math.max(1, drawing.height)
  return Math.min(across, down)
}

/** Shows all of a box, never larger than life. */
export function fitBox(box: Box, size: Size, largest = 1): Camera {
  return centreOn(box, size, Math.min(largest, fitScale(box, size)))
}

function centreOn(box: Box, size: Size, scale: number): Camera {
  return {
    scale,
    x: size.width / 2 - (box.x + box.width / 2) * scale,
    y: size.height / 2 - (box.y + box.height / 2) * scale,
  }
}

/**
 * How a graph is shown when it is opened: all of it where cards can still be told, else its beginning at a size that can be read.
 * @param first the box of the first item
 */
export function openingCamera(drawing: Size, first: Box | undefined, size: Size): Camera {
  const whole = { x: 0, y: 0, ...drawing }
  const fitted = fitBox(whole, size)
  if (fitted.scale >= MIN_OPENING_SCALE || !first) return fitted
  const scale = Math.max(MIN_OPENING_SCALE, Math.min(READING_SCALE, (size.width - 2 * MARGIN) / drawing.width))
  return { scale, x: size.width / 2 - (first.x + first.width / 2) * scale, y: MARGIN - first.y * scale }
}

/** Zooms by a factor, keeping the drawing's point below `x`, `y` (screen) where it is. */
export function zoomAt(camera: Camera, factor: number, x: number, y: number, smallest: number): Camera {
  const scale = Math.min(MAX_SCALE, Math.max(smallest, camera.scale * factor))
  const ratio = scale / camera.scale
  return { scale, x: x - (x - camera.x) * ratio, y: y - (y - camera.y) * ratio }
}

/** Moves by screen px; something of the drawing always stays in view. */
export function panBy(camera: Camera, dx: number, dy: number, drawing: Size, size: Size): Camera {
  const keep = 48
  return {
    scale: camera.scale,
    x: clamp(camera.x + dx, keep - drawing.width * camera.scale, size.width - keep),
    y: clamp(camera.y + dy, keep - drawing.height * camera.scale, size.height - keep),
  }
}

/** Brings a box into view with the least movement; a box too small to read is zoomed in to. */
export function revealBox(camera: Camera, box: Box, size: Size, options: { readonly readable?: boolean } = {}): Camera {
  if (options.readable && camera.scale < MIN_OPENING_SCALE) return centreOn(box, size, READING_SCALE)
  const left = box.x * camera.scale + camera.x
  const top = box.y * camera.scale + camera.y
  const shift = (start: number, length: number, room: number): number => {
    if (length > room - 2 * MARGIN) return MARGIN - start
    return Math.max(0, MARGIN - start) || Math.min(0, room - MARGIN - start - length)
  }
  return {
    scale: camera.scale,
    x: camera.x + shift(left, box.width * camera.scale, size.width),
    y: camera.y + shift(top, box.height * camera.scale, size.height),
  }
}

/** Between two cameras; `share` 0–1. Scales are mixed by ratio, so that zooming looks even. */
export function mixCameras(from: Camera, to: Camera, share: number): Camera {
  if (share >= 1) return to
  const scale = from.scale * (to.scale / from.scale) ** share
  // what is in the middle moves evenly: offsets follow the scale where it changes
  const t = from.scale === to.scale ? share : (scale - from.scale) / (to.scale - from.scale)
  return { scale, x: from.x + (to.x - from.x) * t, y: from.y + (to.y - from.y) * t }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, Math.min(low, high)), Math.max(low, high))
}
