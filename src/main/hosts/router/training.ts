import { checkEngine, guideQat, listRecipes, listResumable, readRecipeFile } from '../../jobs/training-desk.ts'
import type { Application } from '../application.ts'
import { os } from './base.ts'

/** `training.*`: what training needs to know before it starts. */
export function trainingRouter(app: Application) {
  return os.training.router({
    engine: os.training.engine.handler(({ signal }) => checkEngine(app.deskServices(signal))),
    recipes: os.training.recipes.handler(() => listRecipes(app.recipesFolder())),
    recipeFile: os.training.recipeFile.handler(({ input }) => readRecipeFile(app.allowed(input.path))),
    qatGuide: os.training.qatGuide.handler(({ input }) => guideQat(input.plan, input)),
    resumable: os.training.resumable.handler(() => listResumable(app.store)),
  })
}
