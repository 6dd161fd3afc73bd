import { GenaiNanogpt } from '../contenders/nanogpt';
import { Measured } from '../measured';
import { serve } from '../remote';

serve((options) => new Measured(new GenaiNanogpt(), options));
