-- The first silence that ends is looked up after each look at the windows of rules, of which there is one for each key.
create index rule_window_quiet on rule_window (due) where kind = 'debounce';
