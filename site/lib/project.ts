/** The project's own addresses, as package.json has them. */
import { type ProjectAddress, projectAddressOf } from '../../contracts/words/project.ts';
import { repositoryFile } from './repository-file.ts';

export function projectAddress(): ProjectAddress {
  return projectAddressOf(JSON.parse(repositoryFile('package.json')));
}
