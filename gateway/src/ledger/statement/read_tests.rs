//! Files written by hand under the heads that are documented.

use super::*;

fn read(text: &str) -> Statement {
    read_statement(text.as_bytes(), &ColumnMap::new()).unwrap()
}

fn wrong(text: &str) -> String {
    read_statement(text.as_bytes(), &ColumnMap::new()).unwrap_err().to_string()
}

/// `day model requests prompt cached completion cost`, a dash for what is not said.
fn told(statement: &Statement) -> Vec<String> {
    let dash = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let line = |((day, model), sums): (&(Date, String), &Sums)| {
        let counts = [sums.requests, sums.prompt_tokens, sums.cached_prompt_tokens, sums.completion_tokens].map(dash);
        let cost = sums.cost.map_or_else(|| "-".to_owned(), |cost| cost.to_string());
        format!("{day} {model} {} {cost}", counts.join(" "))
    };
    statement.sums.iter().map(line).collect()
}

#[test]
fn openai_usage_of_minutes_adds_up_to_days() {
    let statement = read(
        "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,\
         service_tier,input_tokens,output_tokens,input_cached_tokens,input_uncached_tokens\r\n\
         1791158400,1791158460,2026-10-05T00:00:00+00:00,2026-10-05T00:01:00+00:00,p,2,,k,gpt-5-mini-2025-08-07,false,,1000,50,400,600\r\n\
         1791244740,1791244800,2026-10-05T23:59:00+00:00,2026-10-06T00:00:00+00:00,p,1,,k,gpt-5-mini-2025-08-07,,,10,5,0,10\r\n\
         1791244800,1791331200,2026-10-06T00:00:00+00:00,2026-10-07T00:00:00+00:00,,,,,,,,,,,\r\n",
    );
    assert_eq!(statement.layout, "openai-usage");
    assert_eq!(told(&statement), ["2026-10-05 gpt-5-mini-2025-08-07 3 1010 400 55 -"]);
    assert_eq!(statement.num_skipped, 0);
}

#[test]
fn openai_costs_have_models_and_tokens_in_their_line_items() {
    let statement = read(
        "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,\
         project_id,organization_id\n\
         1791158400,1791244800,2026-10-05T00:00:00+00:00,2026-10-06T00:00:00+00:00,0.0002500000000000,usd,600,tokens,\"gpt-5-nano, input\",p,o\n\
         1791158400,1791244800,2026-10-05T00:00:00+00:00,2026-10-06T00:00:00+00:00,0.000010000000000001,usd,400,tokens,\"gpt-5-nano, cached input\",p,o\n\
         1791158400,1791244800,2026-10-05T00:00:00+00:00,2026-10-06T00:00:00+00:00,0.0001,usd,50,tokens,\"gpt-5-nano, output\",p,o\n\
         1791158400,1791244800,2026-10-05T00:00:00+00:00,2026-10-06T00:00:00+00:00,0.56177125,usd,,,,,o\n\
         1791244800,1791331200,2026-10-06T00:00:00+00:00,2026-10-07T00:00:00+00:00,,,,,,,\n",
    );
    assert_eq!(statement.layout, "openai-costs");
    assert_eq!(told(&statement), ["2026-10-05 gpt-5-nano - 1000 400 50 0.00036"]);
    assert_eq!(statement.skipped, [Skipped { line: 5, why: "it has no model" }]);
}

#[test]
fn anthropic_usage_counts_every_part_of_a_prompt() {
    let statement = read(
        "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,\
         usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,\
         usage_output_tokens,web_search_count,inference_geo,speed\n\
         2026-10-05,claude-haiku-4-5-20251001,key,Default,standard,≤ 200k,100,20,3,4000,55,0,global,\n",
    );
    assert_eq!(statement.layout, "anthropic-usage");
    assert_eq!(told(&statement), ["2026-10-05 claude-haiku-4-5-20251001 - 4123 4000 55 -"]);
    let costs = read(
        "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,\
         inference_geo,speed\n2026-10-05,Claude Haiku 4.5,Default,k,message,≤ 200k,input_no_cache,0.05,0.05,token,global,\n\
         2026-10-05,Claude Haiku 4.5,Default,k,message,≤ 200k,output,0.02,0.02,token,global,\n",
    );
    assert_eq!(
        (costs.layout, told(&costs)),
        ("anthropic-costs", vec!["2026-10-05 Claude Haiku 4.5 - - - - 0.07".into()])
    );
}

#[test]
fn clouds_bill_models_among_other_things() {
    let azure = read(
        "\u{feff}invoiceId,date,meterName,meterCategory,quantity,unitOfMeasure,billingCurrency,costInBillingCurrency,costInUsd\r\n\
         ,10/05/2026,gpt 4o 0806 Inp glbl Tokens,Azure OpenAI,1.234,1K,EUR,0.0030,0.0031\r\n\
         ,10/05/2026,gpt 4o 0806 Outp glbl Tokens,Azure OpenAI,0.05,1K,EUR,4E-04,5E-04\r\n\
         ,10/05/2026,Standard D2 v3,Virtual Machines,24,1 Hour,EUR,2,2.2\r\n",
    );
    assert_eq!((azure.layout, told(&azure)), ("azure-costs", vec!["2026-10-05 gpt-4o-0806 - 1234 0 50 0.0036".into()]));
    assert_eq!(azure.skipped, [Skipped { line: 4, why: "it is no use of a model" }]);
    let amazon = read(
        "line_item_usage_start_date,line_item_line_item_type,line_item_usage_type,line_item_usage_amount,pricing_unit,\
         line_item_unblended_cost,line_item_currency_code\n\
         2026-10-05T10:00:00Z,Usage,USE1-Claude4.5Haiku-input-tokens,1.5,1K tokens,0.0015,USD\n\
         2026-10-05T11:00:00Z,Usage,USE1-Claude4.5Haiku-cache-read-input-token-count,2,1K tokens,0.0002,USD\n\
         2026-10-06T00:00:00Z,Usage,USE1-Claude4.5Haiku-output-tokens,0.0001234,1K tokens,0.0000006,USD\n\
         2026-10-06T00:00:00Z,Tax,,,,0.1,USD\n",
    );
    assert_eq!(amazon.layout, "aws-cur");
    // A bill's fraction of a token is no number of tokens.
    assert_eq!(
        told(&amazon),
        ["2026-10-05 Claude4.5Haiku - 3500 2000 0 0.0017", "2026-10-06 Claude4.5Haiku - - - - 0.0000006"]
    );
}

#[test]
fn any_file_can_be_described() {
    let plain = read(
        "date,model,requests,prompt_tokens,cached_tokens,completion_tokens,cost,currency\n\
         2026-10-05,big,2,10,4,5,0.000001,USD\n\n2026-10-05,\"a, \"\"b\"\"\",1,1,0,1,,usd\nTotal,,3,11,4,6,0.000001,USD\n",
    );
    assert_eq!(told(&plain), ["2026-10-05 a, \"b\" 1 1 0 1 -", "2026-10-05 big 2 10 4 5 0.000001"]);
    assert_eq!(plain.skipped, [Skipped { line: 5, why: "a total" }]);
    let map =
        [("Tag", Field::Date), ("Modell", Field::Model), ("Ein", Field::PromptTokens), ("Cache", Field::PromptTokens)];
    let map: ColumnMap = map.map(|(name, field)| (name.to_owned(), field)).into();
    let file = "Tag;Modell;Ein;Cache;Aus\n1791158400;big;7;3;9\n";
    assert_eq!(told(&read_statement(file.as_bytes(), &map).unwrap()), ["2026-10-05 big - 10 - - -"]);
    let unknown = read_statement(b"a,b\n1,2\n", &vec![("c".to_owned(), Field::Date)]).unwrap_err();
    assert_eq!(unknown.to_string(), "the file has no column 'c'");
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let head = "date,model,requests,prompt_tokens,cost,currency\n2026-10-05,big,1,1,0.1,USD\n";
    for (line, problem) in [
        ("2026-10-05,big,1,\"1,234\",0.1,USD", "line 3: 'prompt_tokens': it is no whole number"),
        ("2026-10-05,big,1,-1,0.1,USD", "line 3: 'prompt_tokens': it is no whole number"),
        ("2026-10-05,big,1,1,\"1,234.5\",USD", "line 3: 'cost': it is no decimal number"),
        ("2026-10-05,big,1,1,\"0,5\",USD", "line 3: 'cost': it is no decimal number"),
        ("05.10.2026,big,1,1,0.1,USD", "line 3: 'date': a day is like"),
        ("2026-10-05,big,1,1,0.1,EUR", "line 3: the cost is not in US dollars"),
        ("2026-10-05,big,1,1", "line 3: it has 4 cells, and the head has 6"),
        ("2026-10-05,\"big,1,1,0.1,USD", "line 3: it has 2 cells, and the head has 6"),
        ("2026-10-05,big,1,9223372036854775807,0.1,USD", "line 3: 'the sum of the day and model': it is too large"),
    ] {
        let told = wrong(&format!("{head}{line}\n"));
        assert!(told.starts_with(problem), "{line}: {told}");
    }
    assert!(wrong("date,model\n2026-10-05,big\n").contains("no column for tokens, requests or the cost"));
    assert!(wrong("day,model,cost\n2026-10-05,big,1\n").contains("no column for the date: it has day, model, cost"));
    for empty in ["", "\n\n", "date,model,cost\n", "date,model,cost\nTotal,,1\n"] {
        assert!(!wrong(empty).is_empty(), "{empty:?}");
    }
    let bytes = [head.as_bytes(), b"2026-10-05,\xff,1,1,0.1,USD\n"].concat();
    let told = read_statement(&bytes, &ColumnMap::new()).unwrap_err().to_string();
    assert_eq!(told, "line 3: it is no UTF-8");
    assert!(matches!(read_statement(&vec![b'a'; MAX_BYTES + 1], &ColumnMap::new()), Err(BadStatement::TooLarge)));
}
