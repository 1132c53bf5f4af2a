//! Secret references and the providers behind them.
