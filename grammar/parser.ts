/**
 * The grammar: chevrotain rules without actions. What the tree means is `src/syntax/lower-*.ts`.
 * Input is the output of `layoutTokens`. One token of lookahead decides nearly everywhere, two at
 * `name:` (a named argument) and `name =>` (a lambda).
 *
 * Two things are checked after parsing instead of here: that two statements (or declarations) are
 * kept apart by a separator, which gives a plainer message, and the grouping of operators
 * (`operators.ts`).
 */
import { CstParser } from "./chevrotain.js";
import { expectedAsData } from "./expected-tokens.js";
import { FirstTokenStrategy } from "./lookahead.js";
import * as t from "./tokens.js";

export class TildeParser extends CstParser {
  /** `validate` checks the grammar itself for ambiguity; costly, so only tests ask for it. */
  constructor(options: { readonly validate: boolean }) {
    super([...t.allTokens], {
      recoveryEnabled: false,
      maxLookahead: 2,
      lookaheadStrategy: new FirstTokenStrategy(2),
      nodeLocationTracking: "onlyOffset",
      errorMessageProvider: expectedAsData,
      skipValidations: !options.validate,
    });
    this.performSelfAnalysis();
  }

  // -------------------------------------------------------------- declarations
  readonly file = this.RULE("file", () => {
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(t.Separator) },
        { ALT: () => this.SUBRULE(this.importDeclaration) },
        { ALT: () => this.SUBRULE(this.modelDeclaration) },
        { ALT: () => this.SUBRULE(this.guideDeclaration) },
        { ALT: () => this.SUBRULE(this.fnDeclaration) },
        { ALT: () => this.SUBRULE(this.moduleDeclaration) },
        { ALT: () => this.SUBRULE(this.objectiveDeclaration) },
        { ALT: () => this.SUBRULE(this.distDeclaration) },
      ]);
    });
  });

  readonly importDeclaration = this.RULE("importDeclaration", () => {
    this.CONSUME(t.Import);
    this.OR([
      { ALT: () => this.CONSUME(t.StringLiteral) },
      { ALT: () => this.AT_LEAST_ONE_SEP({ SEP: t.Dot, DEF: () => this.CONSUME(t.Identifier) }) },
    ]);
  });

  readonly modelDeclaration = this.RULE("modelDeclaration", () => {
    this.CONSUME(t.Model);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.parameters);
    this.SUBRULE(this.block);
  });

  readonly guideDeclaration = this.RULE("guideDeclaration", () => {
    this.CONSUME(t.Guide);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.parameters);
    this.CONSUME(t.For);
    this.CONSUME2(t.Identifier, { LABEL: "model" });
    this.SUBRULE(this.block);
  });

  readonly fnDeclaration = this.RULE("fnDeclaration", () => {
    this.CONSUME(t.Fn);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.parameters);
    this.OPTION(() => {
      this.CONSUME(t.ThinArrow);
      this.SUBRULE(this.type);
    });
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Equal);
          this.SUBRULE(this.expression);
        },
      },
      { ALT: () => this.SUBRULE(this.block) },
    ]);
  });

  readonly moduleDeclaration = this.RULE("moduleDeclaration", () => {
    this.CONSUME(t.Module);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.parameters);
    this.CONSUME(t.LBrace);
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(t.Separator) },
        { ALT: () => this.SUBRULE(this.fnDeclaration) },
        { ALT: () => this.SUBRULE(this.statement) },
      ]);
    });
    this.CONSUME(t.RBrace);
  });

  readonly objectiveDeclaration = this.RULE("objectiveDeclaration", () => {
    this.CONSUME(t.Objective);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.parameters);
    this.SUBRULE(this.block);
  });

  readonly distDeclaration = this.RULE("distDeclaration", () => {
    this.CONSUME(t.Dist);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.parameters);
    this.CONSUME(t.On);
    this.SUBRULE(this.type);
    this.CONSUME(t.LBrace);
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(t.Separator) },
        { ALT: () => this.SUBRULE(this.distMember) },
      ]);
    });
    this.CONSUME(t.RBrace);
  });

  readonly distMember = this.RULE("distMember", () => {
    this.CONSUME(t.Identifier);
    this.OPTION(() => {
      this.CONSUME(t.LParen);
      this.MANY_SEP({
        SEP: t.Comma,
        DEF: () => this.CONSUME2(t.Identifier, { LABEL: "parameter" }),
      });
      this.CONSUME(t.RParen);
    });
    this.CONSUME(t.Equal);
    this.SUBRULE(this.expression);
  });

  readonly parameters = this.RULE("parameters", () => {
    this.CONSUME(t.LParen);
    this.OPTION(() => {
      this.SUBRULE(this.parameter);
      this.MANY(() => {
        this.CONSUME(t.Comma);
        this.SUBRULE2(this.parameter);
      });
      this.OPTION2(() => this.CONSUME2(t.Comma));
    });
    this.CONSUME(t.RParen);
  });

  readonly parameter = this.RULE("parameter", () => {
    this.CONSUME(t.Identifier);
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      this.SUBRULE(this.type);
    });
    this.OPTION2(() => {
      this.CONSUME(t.Equal);
      this.SUBRULE(this.expression);
    });
  });

  readonly type = this.RULE("type", () => {
    this.CONSUME(t.Identifier);
    this.OPTION(() => {
      this.CONSUME(t.LParen);
      this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.expression, { LABEL: "arg" }) });
      this.CONSUME(t.RParen);
    });
    this.OPTION2(() => {
      this.CONSUME(t.LBracket);
      this.AT_LEAST_ONE_SEP({
        SEP: t.Comma,
        DEF: () => this.SUBRULE2(this.expression, { LABEL: "size" }),
      });
      this.CONSUME(t.RBracket);
    });
  });

  // -------------------------------------------------------------- statements
  readonly block = this.RULE("block", () => {
    this.CONSUME(t.LBrace);
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(t.Separator) },
        { ALT: () => this.SUBRULE(this.statement) },
      ]);
    });
    this.CONSUME(t.RBrace);
  });

  readonly statement = this.RULE("statement", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.sampleStatement) },
      { ALT: () => this.SUBRULE(this.observeStatement) },
      { ALT: () => this.SUBRULE(this.letStatement) },
      { ALT: () => this.SUBRULE(this.paramStatement) },
      { ALT: () => this.SUBRULE(this.factorStatement) },
      { ALT: () => this.SUBRULE(this.forStatement) },
      { ALT: () => this.SUBRULE(this.ifStatement) },
      { ALT: () => this.SUBRULE(this.returnStatement) },
    ]);
  });

  readonly target = this.RULE("target", () => {
    this.CONSUME(t.Identifier);
    this.OPTION(() => {
      this.CONSUME(t.LBracket);
      this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.expression) });
      this.CONSUME(t.RBracket);
    });
  });

  readonly sampleStatement = this.RULE("sampleStatement", () => {
    this.SUBRULE(this.target);
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      this.SUBRULE(this.type);
    });
    this.CONSUME(t.Tilde);
    this.SUBRULE(this.expression, { LABEL: "dist" });
    this.OPTION2(() => {
      this.CONSUME(t.Using);
      this.SUBRULE2(this.expression, { LABEL: "strategy" });
    });
  });

  readonly observeStatement = this.RULE("observeStatement", () => {
    this.CONSUME(t.Observe);
    this.SUBRULE(this.expression, { LABEL: "value" });
    this.CONSUME(t.Tilde);
    this.SUBRULE2(this.expression, { LABEL: "dist" });
  });

  readonly letStatement = this.RULE("letStatement", () => {
    this.CONSUME(t.Let);
    this.SUBRULE(this.target);
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      this.SUBRULE(this.type);
    });
    this.CONSUME(t.Equal);
    this.SUBRULE(this.expression);
  });

  readonly paramStatement = this.RULE("paramStatement", () => {
    this.CONSUME(t.Param);
    this.SUBRULE(this.target);
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      this.SUBRULE(this.type);
    });
    this.OPTION2(() => {
      this.CONSUME(t.Equal);
      this.SUBRULE(this.expression);
      this.OPTION3(() => {
        this.CONSUME(t.Then);
        this.SUBRULE2(this.expression, { LABEL: "next" });
      });
    });
  });

  readonly factorStatement = this.RULE("factorStatement", () => {
    this.CONSUME(t.Factor);
    this.SUBRULE(this.expression);
  });

  readonly returnStatement = this.RULE("returnStatement", () => {
    this.CONSUME(t.Return);
    this.SUBRULE(this.expression);
    this.OPTION(() => {
      this.CONSUME(t.For);
      this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE2(this.expression) });
    });
  });

  readonly forStatement = this.RULE("forStatement", () => {
    this.CONSUME(t.For);
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.loopBinder) });
    this.SUBRULE(this.block);
  });

  readonly loopBinder = this.RULE("loopBinder", () => {
    this.CONSUME(t.Identifier);
    this.CONSUME(t.In);
    this.SUBRULE(this.expression, { LABEL: "from" });
    this.CONSUME(t.DotDot);
    this.OPTION(() => this.SUBRULE2(this.expression, { LABEL: "to" }));
  });

  readonly ifStatement = this.RULE("ifStatement", () => {
    this.CONSUME(t.If);
    this.SUBRULE(this.expression);
    this.SUBRULE(this.block);
    this.MANY(() => {
      this.CONSUME(t.Else);
      this.CONSUME2(t.If);
      this.SUBRULE2(this.expression);
      this.SUBRULE2(this.block);
    });
    this.OPTION(() => {
      this.CONSUME2(t.Else, { LABEL: "FinalElse" });
      this.SUBRULE3(this.block);
    });
  });

  // -------------------------------------------------------------- expressions
  readonly expression = this.RULE("expression", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.ifExpression) },
      { ALT: () => this.SUBRULE(this.lambda) },
      { ALT: () => this.SUBRULE(this.operation) },
    ]);
  });

  readonly ifExpression = this.RULE("ifExpression", () => {
    this.CONSUME(t.If);
    this.SUBRULE(this.expression, { LABEL: "condition" });
    this.CONSUME(t.Then);
    this.SUBRULE2(this.expression, { LABEL: "then" });
    this.CONSUME(t.Else);
    this.SUBRULE3(this.expression, { LABEL: "otherwise" });
  });

  readonly lambda = this.RULE("lambda", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Identifier) },
      {
        ALT: () => {
          this.CONSUME(t.LambdaParen);
          this.MANY_SEP({ SEP: t.Comma, DEF: () => this.CONSUME2(t.Identifier) });
          this.CONSUME(t.RParen);
        },
      },
    ]);
    this.CONSUME(t.FatArrow);
    this.SUBRULE(this.expression);
  });

  /** A flat row; `operators.ts` says how it groups. */
  readonly operation = this.RULE("operation", () => {
    this.SUBRULE(this.operand);
    this.MANY(() => {
      this.CONSUME(t.BinaryOperator);
      this.SUBRULE2(this.operand);
    });
  });

  readonly operand = this.RULE("operand", () => {
    this.MANY(() => this.CONSUME(t.PrefixOperator));
    this.SUBRULE(this.primary);
    this.MANY2(() => {
      this.OR([
        { ALT: () => this.SUBRULE(this.callSuffix) },
        { ALT: () => this.SUBRULE(this.indexSuffix) },
        { ALT: () => this.SUBRULE(this.memberSuffix) },
      ]);
    });
  });

  readonly primary = this.RULE("primary", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.NumberLiteral) },
      { ALT: () => this.CONSUME(t.Inf) },
      { ALT: () => this.CONSUME(t.True) },
      { ALT: () => this.CONSUME(t.False) },
      { ALT: () => this.CONSUME(t.StringLiteral) },
      { ALT: () => this.CONSUME(t.Identifier) },
      {
        ALT: () => {
          this.CONSUME(t.LParen);
          this.SUBRULE(this.expression);
          this.CONSUME(t.RParen);
        },
      },
      { ALT: () => this.SUBRULE(this.array) },
    ]);
  });

  readonly array = this.RULE("array", () => {
    this.CONSUME(t.LBracket);
    this.OR([
      { ALT: () => this.SUBRULE(this.comprehension) },
      {
        ALT: () => {
          this.OPTION(() => {
            this.SUBRULE(this.expression);
            this.MANY(() => {
              this.CONSUME(t.Comma);
              this.SUBRULE2(this.expression);
            });
            this.OPTION2(() => this.CONSUME2(t.Comma));
          });
        },
      },
    ]);
    this.CONSUME(t.RBracket);
  });

  /** The inside of `[for i in 0..N: e]` and of `sum(for i in 0..N: e)`. */
  readonly comprehension = this.RULE("comprehension", () => {
    this.CONSUME(t.For);
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.binder) });
    this.CONSUME(t.Colon);
    this.SUBRULE(this.expression);
  });

  readonly binder = this.RULE("binder", () => {
    this.CONSUME(t.Identifier);
    this.CONSUME(t.In);
    this.SUBRULE(this.expression, { LABEL: "from" });
    this.CONSUME(t.DotDot);
    this.SUBRULE2(this.expression, { LABEL: "to" });
  });

  readonly callSuffix = this.RULE("callSuffix", () => {
    this.CONSUME(t.LParen);
    this.OR([
      // `for` begins a reduction, unless it is the name of an argument: `f(for: 3)`.
      { ALT: () => this.SUBRULE(this.comprehension) },
      {
        ALT: () => {
          this.OPTION(() => {
            this.SUBRULE(this.argument);
            this.MANY(() => {
              this.CONSUME(t.Comma);
              this.SUBRULE2(this.argument);
            });
            this.OPTION2(() => this.CONSUME2(t.Comma));
          });
        },
      },
    ]);
    this.CONSUME(t.RParen);
  });

  readonly argument = this.RULE("argument", () => {
    this.OPTION(() => {
      this.SUBRULE(this.propertyName);
      this.CONSUME(t.Colon);
    });
    this.SUBRULE(this.expression);
  });

  readonly indexSuffix = this.RULE("indexSuffix", () => {
    this.CONSUME(t.LBracket);
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.index) });
    this.CONSUME(t.RBracket);
  });

  readonly index = this.RULE("index", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.DotDot);
          this.OPTION(() => this.SUBRULE(this.expression, { LABEL: "to" }));
        },
      },
      {
        ALT: () => {
          this.SUBRULE2(this.expression, { LABEL: "from" });
          this.OPTION2(() => {
            this.CONSUME2(t.DotDot);
            this.OPTION3(() => this.SUBRULE3(this.expression, { LABEL: "to" }));
          });
        },
      },
    ]);
  });

  readonly memberSuffix = this.RULE("memberSuffix", () => {
    this.CONSUME(t.Dot);
    this.SUBRULE(this.propertyName);
  });

  /** Where only a property can stand, keywords are names too: `D.in`, `f(for: 3)`. */
  readonly propertyName = this.RULE("propertyName", () => {
    this.OR([{ ALT: () => this.CONSUME(t.Identifier) }, { ALT: () => this.CONSUME(t.Keyword) }]);
  });
}

let shared: TildeParser | undefined;

/** The parser, built at first use. It holds no state between runs: `input =` resets it. */
export function tildeParser(): TildeParser {
  shared ??= new TildeParser({ validate: false });
  return shared;
}
