import { describe, expect, it } from 'vitest'
import { CAPTION_WIDTH, layOutCaption } from '../../../../../src/renderer/graph/canvas/caption.ts'
import { createFitter } from '../../../../../src/renderer/graph/canvas/faces.ts'
import { looksOf } from '../../../../../src/renderer/graph/canvas/looks.ts'
import { exportBox, levelAt, paint, paintAll, type Picture } from '../../../../../src/renderer/graph/canvas/paint.ts'
import { SvgPen } from '../../../../../src/renderer/graph/canvas/svg-pen.ts'
import { PLAIN_DECOR, precisionOf, type GraphDecor } from '../../../../../src/renderer/graph/decor.ts'
import { legendOf } from '../../../../../src/renderer/graph/legend.ts'
import { GRAPH_THEMES, type ThemeName } from '../../../../../src/renderer/graph/palette.ts'
import type { Scene } from '../../../../../src/renderer/graph/scene/scene.ts'
import { indexEdges, SpatialIndex } from '../../../../../src/renderer/graph/scene/spatial.ts'
import { residualView, sceneOf, viewOf } from '../views.ts'

function picture(scene: Scene, pen: SvgPen, decor: GraphDecor = PLAIN_DECOR, theme: ThemeName = 'light'): Picture {
  return {
    scene,
    looks: looksOf(scene.items, decor, GRAPH_THEMES[theme]),
    decor,
    theme: GRAPH_THEMES[theme],
    marks: { focus: -1, hovered: -1, edge: -1, found: new Set() },
    brush: { pen, theme: GRAPH_THEMES[theme], fit: createFitter(pen) },
    itemIndex: new SpatialIndex(scene.boxes),
    edgeIndex: indexEdges(scene),
  }
}

function svgOf(scene: Scene, decor?: GraphDecor, theme?: ThemeName): string {
  const pen = new SvgPen(null)
  paintAll(picture(scene, pen, decor, theme))
  return pen.done(exportBox(scene), GRAPH_THEMES[theme ?? 'light'].page)
}

/** Checks nesting and attributes of an XML document without doctype; gives the elements met. */
function elementsOf(xml: string): string[] {
  const open: string[] = []
  const met: string[] = []
  const rest = xml
    .replace(/^<\?xml [^?]*\?>/, '')
    .replaceAll(
      /<(\/?)([a-z]+)((?: [\w-]+(?::\w+)?="[^"<]*")*)(\/?)>/g,
      (_, end: string, name: string, _attributes, single: string) => {
        if (end === '/') expect(open.pop()).toBe(name)
        else met.push(name)
        if (end === '' && single === '') open.push(name)
        return ''
      },
    )
  expect(open).toEqual([])
  expect(rest).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;)/)
  return met
}

const textsOf = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!)

describe('SVG of the whole graph', () => {
  it('is well-formed and names every card, text as text', () => {
    const scene = sceneOf(residualView(20))
    const svg = svgOf(scene)
    expect(elementsOf(svg).filter((name) => name === 'path').length).toBeGreaterThanOrEqual(scene.edges.length)
    const texts = new Set(textsOf(svg))
    for (const { id, cards } of scene.items) expect(texts, id).toContain(cards[0]!.name)
  })

  it('shows op, shape, parameters and precision of a card', () => {
    const decor = { ...PLAIN_DECOR, precisions: new Map([['conv', precisionOf(4, 8)]]) }
    const svg = svgOf(sceneOf(viewOf([{ id: 'conv', op: 'Conv', reads: ['x', 'w'] }])), decor, 'dark')
    const texts = textsOf(svg)
    for (const text of ['conv', 'Conv', 'N×8×16×16', '1.04 k params', '3.20 M MAC', '4/8'])
      expect(texts).toContain(text)
    expect(svg).toContain(GRAPH_THEMES.dark.precision.bits4)
  })

  it('holds names that mean something to XML, and characters it forbids', () => {
    const id = '<a & "b">\u0000\ud800'
    const svg = svgOf(sceneOf(viewOf([{ id, op: 'Relu', reads: ['x'] }])))
    elementsOf(svg)
    expect(textsOf(svg)).toContain('&lt;a &amp; &quot;b&quot;&gt;\ufffd\ufffd')
    expect(svg.isWellFormed()).toBe(true)
  })

  it('cuts long names in their middle, within the card', () => {
    const id = `features.denseblock${'very_long_name_'.repeat(40)}.conv2`
    const texts = textsOf(svgOf(sceneOf(viewOf([{ id, op: 'Relu', reads: ['x'] }]))))
    const name = texts.find((text) => text.startsWith('features'))!
    expect(name).toMatch(/^features.*….*conv2$/)
    expect(name.length * 12 * 0.58).toBeLessThan(200)
  })

  it('draws folded blocks with what they hold', () => {
    const decor = {
      ...PLAIN_DECOR,
      precisions: new Map([
        ['layer0/0/conv1', precisionOf(8, 8)],
        ['layer0/0/conv2', precisionOf(null, null)],
      ]),
    }
    const texts = textsOf(svgOf(sceneOf(residualView(2), 'all'), decor))
    for (const text of ['▸ layer0/0', 'mix', '3 layers']) expect(texts).toContain(text)
  })
})

describe('the caption of an exported picture', () => {
  const values = new Map([['conv', { value: 0.25, estimated: true }]])
  const decor: GraphDecor = {
    ...PLAIN_DECOR,
    precisions: new Map([['conv', precisionOf(8, 8)]]),
    overlay: { kind: 'sequential', name: 'time', unit: 'ms', values, scale: 'linear', combine: 'sum' },
    changed: new Set(['conv']),
  }

  it.each(['light', 'dark'] as const)('says what the colours mean, in the %s theme', (theme) => {
    const pen = new SvgPen(null)
    const title = `${'a_long_name_of_a_model_'.repeat(8)}.onnx`
    const caption = layOutCaption(pen, CAPTION_WIDTH, title, legendOf(decor, GRAPH_THEMES[theme]), GRAPH_THEMES[theme])
    caption.draw(0, -caption.height)
    const scene = sceneOf(residualView(2))
    const box = exportBox(scene, { width: CAPTION_WIDTH, height: caption.height })
    const svg = pen.done(box, GRAPH_THEMES[theme].page)
    elementsOf(svg)
    const texts = textsOf(svg)
    for (const text of ['time', 'ms', 'estimated', 'precision', '8 bits 1', 'differs between the plans'])
      expect(texts).toContain(text)
    expect(texts[0]).toMatch(/^a_long.*….*onnx$/)
    expect(box.height).toBe(exportBox(scene).height + caption.height)
    expect(box.width).toBeGreaterThanOrEqual(CAPTION_WIDTH)
  })
})

describe('paint', () => {
  const scene = sceneOf(residualView(400))

  it('draws only what is in view', () => {
    const pen = new SvgPen(null)
    paint(picture(scene, pen), { scale: 1, x: 0, y: -2000 }, { width: 800, height: 600 })
    const texts = textsOf(pen.done(exportBox(scene), '#ffffff'))
    expect(texts.length).toBeGreaterThan(5)
    expect(texts.length).toBeLessThan(80)
  })

  it('draws the less the further away: whole cards, then op and precision, then boxes alone', () => {
    const seen = [1, 0.3, 0.05].map((scale) => {
      const pen = new SvgPen(null)
      paint(picture(scene, pen), { scale, x: 0, y: 0 }, { width: 800, height: 600 })
      return textsOf(pen.done(exportBox(scene), '#ffffff'))
    })
    expect([1, 0.3, 0.05].map(levelAt)).toEqual(['near', 'mid', 'far'])
    expect(seen[0]).toContain('N×8×16×16')
    expect(seen[1]).toContain('Conv')
    expect(seen[1]).not.toContain('N×8×16×16')
    expect(seen[2]).toEqual([])
  })

  it('paints no box twice on one pixel', () => {
    const pen = new SvgPen(null)
    const size = { width: 300, height: 100 }
    paint(picture(scene, pen), { scale: 100 / scene.height, x: 150, y: 0 }, size)
    const rects = elementsOf(pen.done(exportBox(scene), '#ffffff')).filter((name) => name === 'rect').length
    expect(scene.items.length).toBeGreaterThan(1000)
    expect(rects).toBeLessThan(110)
  })
})
