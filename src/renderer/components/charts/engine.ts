import { BarChart, CustomChart, HeatmapChart, LineChart, ParallelChart, ScatterChart } from 'echarts/charts'
import {
  GridComponent,
  MarkLineComponent,
  ParallelComponent,
  TooltipComponent,
  VisualMapContinuousComponent,
} from 'echarts/components'
import type { EChartsOption } from 'echarts'
import { init, use, type ECharts } from 'echarts/core'
import { LabelLayout } from 'echarts/features'
import { CanvasRenderer, SVGRenderer } from 'echarts/renderers'

// Only what is drawn is in the bundle: ECharts as a whole is some 1.1 MB.
use([
  BarChart,
  CustomChart,
  HeatmapChart,
  LineChart,
  ParallelChart,
  ScatterChart,
  GridComponent,
  MarkLineComponent,
  ParallelComponent,
  TooltipComponent,
  VisualMapContinuousComponent,
  // without it, "labelLayout" is passed over in silence
  LabelLayout,
  CanvasRenderer,
  SVGRenderer,
])

/** What a chart is drawn from; of its parts only those registered here do anything. */
export type ChartOption = EChartsOption

/** `svg` for anything with up to some thousand marks: sharp, selectable, small; `canvas` for more. */
export type ChartRenderer = 'svg' | 'canvas'

/** A chart in an element of the page. */
export function chartIn(element: HTMLElement, renderer: ChartRenderer): ECharts {
  return init(element, null, { renderer })
}

/** The chart as an SVG document of its own, whatever renderer the page uses. Sizes in px. */
export function chartAsSvg(option: ChartOption, width: number, height: number): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  try {
    chart.setOption({ ...option, animation: false })
    return chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
}
