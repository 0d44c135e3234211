import { onScopeDispose, ref, type Ref } from 'vue'
import type { ThemeName } from '../../graph/palette.ts'

const DARK = '(prefers-color-scheme: dark)'

function themeNow(): ThemeName {
  const said = document.documentElement.dataset['theme']
  if (said === 'light' || said === 'dark') return said
  return matchMedia(DARK).matches ? 'dark' : 'light'
}

/** The theme as it is painted: what is set, else what the system asks for. For canvases, which know no CSS variables. */
export function useThemeName(): Readonly<Ref<ThemeName>> {
  const theme = ref<ThemeName>(themeNow())
  const renew = (): void => void (theme.value = themeNow())
  const observer = new MutationObserver(renew)
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
  const query = matchMedia(DARK)
  query.addEventListener('change', renew)
  onScopeDispose(() => {
    observer.disconnect()
    query.removeEventListener('change', renew)
  })
  return theme
}
