import { english } from '../english';
export const chinese = english;
